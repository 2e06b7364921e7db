"""The latent explorer: what settings mean, what each event makes of them, and a reader at play."""

import io
import threading
import time
from dataclasses import replace

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from lab_events import _upload, apply, assert_sound, events, press_at_random, reachable  # noqa: E402
from PIL import Image  # noqa: E402

from lsgan_lib import films  # noqa: E402
from lsgan_lib.errors import BookError  # noqa: E402
from lsgan_lib.labs import sheet  # noqa: E402
from lsgan_lib.labs.latent import drawing as drawing  # noqa: E402
from lsgan_lib.labs.latent import map as latent_map  # noqa: E402
from lsgan_lib.labs.latent import parts as latent_parts  # noqa: E402
from lsgan_lib.labs.latent import pointer as latent_pointer  # noqa: E402
from lsgan_lib.labs.latent import shelf as latent_shelf  # noqa: E402
from lsgan_lib.labs.latent import state as state  # noqa: E402
from lsgan_lib.labs.latent.search import Search, read_picture  # noqa: E402
from lsgan_lib.labs.latent.space import Space  # noqa: E402
from lsgan_lib.labs.latent.state import PANELS, STILL, STOPS, Settings  # noqa: E402
from lsgan_lib.labs.latent_explorer import LatentExplorer  # noqa: E402
from lsgan_lib.networks import LossSensitiveNetworks  # noqa: E402


class Stripes(torch.nn.Module):
    """z (N, z_dim) -> images of 8 x 8: column k is the number z_k, halved; no two z look alike."""

    def __init__(self, z_dim=2, channels=1):
        super().__init__()
        self.z_dim, self.channels = z_dim, channels
        self.scale = torch.nn.Parameter(torch.tensor(0.5))

    def forward(self, z):
        columns = (self.scale * z).repeat_interleave(8 // self.z_dim, dim=1)
        return columns[:, None, None, :].expand(-1, self.channels, 8, -1)


def space(z_dim=2, kind="uniform", data=None):
    return Space(Stripes(z_dim).eval(), z_dim, kind, data)


@pytest.fixture
def lab(tmp_path):
    made = []

    def make(generator=None, **options):
        generator = generator or Stripes().eval()
        made.append(LatentExplorer(generator, folder=tmp_path / "saved", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
    assert not [t for t in threading.enumerate() if t.name == "search for noise"]
    plt.close("all")


# --- settings -----------------------------------------------------------------------------------


def test_the_walk_leads_from_waypoint_to_waypoint():
    here, s = space(), Settings(waypoints=(3, 0, 7))
    drawn = here.drawn(0, 12)[0]
    for number, place in enumerate((3, 0, 7)):
        assert torch.equal(here.noise(state.to_stop(s, number * STOPS)), drawn[place])
    half = here.noise(state.to_stop(s, STOPS // 2))
    torch.testing.assert_close(half, (drawn[3] + drawn[0]) / 2)
    circle = here.noise(state.to_stop(state.by_way(s, "slerp"), STOPS // 2))
    assert circle.norm() == pytest.approx((drawn[3].norm() + drawn[0].norm()).item() / 2, rel=1e-5)


@pytest.mark.parametrize("stop", range(0, 41, 4))
def test_the_strip_scrolls_halts_at_both_ends_and_marks_where_one_stands(stop):
    here, s = space(), state.to_stop(Settings(), stop)
    strip = here.strip(s)
    assert len(strip) == PANELS and 0 <= s.first_panel <= s.last + 1 - PANELS
    assert torch.equal(strip[int(state.strip_mark(s))], here.noise(s))
    if PANELS // 2 <= stop <= s.last - PANELS // 2:
        assert state.strip_mark(s) == PANELS // 2
    assert len(here.film(s)) == s.last + 1


@pytest.mark.parametrize("along", ["walk", "truncation", "map", 0, 1])
def test_whatever_the_strip_shows_a_click_goes_to_that_very_picture(along):
    here = space()
    s = here.find_directions(state.to_stop(Settings(), 13))
    s = state.placed(s, (0.25, -0.5)) if along == "map" else replace(s, along=along)
    for panel, noise in enumerate(here.strip(s)):
        gone = state.along_strip(s, float(panel))
        torch.testing.assert_close(here.noise(gone), noise)
        if along != "walk":
            assert state.strip_mark(gone) == pytest.approx(panel, abs=0.01)
    film = here.film(s)
    torch.testing.assert_close(film[[0, -1]], here.strip(s)[[0, -1]]) if along != "walk" else None


def test_moves_add_directions_stay_in_the_cube_and_truncation_comes_last():
    here = space()
    s = Settings(off=(0.5, 0.2), directions=((1.0, 0.0), (0.0, 1.0)), strengths=(2.0, 1.0))
    s = state.moved(state.moved(s, 0, 1.0), 1, -0.5)
    reach = 0.6 * (2 / 3) ** 0.5  # 0.6 of the root mean square of |z|
    assert here.noise(s).tolist() == pytest.approx([0.5 + reach, 0.2 - reach / 2])
    far = state.placed(replace(s, moves=STILL), (0.9, 0.0))
    assert here.noise(state.moved(far, 0, 1.0)).tolist() == [1, 0]  # kept where it was trained
    half = state.truncated(state.moved(far, 0, 1.0), 0.5)
    assert here.noise(half).tolist() == [0.5, 0]
    free = space(kind="normal")
    assert free.noise(state.moved(far, 0, 1.0))[0].item() == pytest.approx(0.9 + 0.6 * 2**0.5)


def test_directions_are_found_where_one_stands_and_one_stays_there():
    generator = LossSensitiveNetworks(size=8, z_dim=5, width=0.25, channels=1)
    network = generator.generator(torch.Generator().manual_seed(0)).eval()
    here = Space(network, 5, "normal")
    s = here.move(state.to_stop(Settings(), 7), 2, 0.5)
    assert s.strengths == tuple(sorted(s.strengths, reverse=True)) and len(s.directions) == 5
    again = here.find_directions(s)
    torch.testing.assert_close(here.noise(again), here.noise(s))
    assert again.directions != s.directions and again.moves == STILL
    matrix = torch.autograd.functional.jacobian(lambda z: network(z[None]).flatten(), here.noise(s))
    values = torch.linalg.svdvals(matrix)
    torch.testing.assert_close(torch.tensor(again.strengths), values, rtol=1e-3, atol=1e-5)
    with pytest.raises(BookError, match="has 5 directions"):
        here.move(s, 5, 1.0)


def test_arithmetic_walks_to_the_sum():
    here = space(kind="normal")
    drawn = here.drawn(0, 12)[0]
    s = here.arithmetic(Settings(groups=((1, 2), (4,), (6, 7, 8))))
    wanted = drawn[[1, 2]].mean(0) - drawn[4] + drawn[[6, 7, 8]].mean(0)
    torch.testing.assert_close(here.noise(s), wanted)
    assert s.waypoints == (0, 1, 2, 12) and s.stop == s.last
    assert space().noise(replace(s, kept=((5.0, -5.0),))).tolist() == [1, -1]
    with pytest.raises(BookError, match="group B is empty"):
        here.arithmetic(Settings(groups=((1,), (), (2,))))


# --- the shelf ----------------------------------------------------------------------------------


def test_a_click_takes_in_and_out():
    s = latent_shelf.chosen(Settings(), 5)
    assert s.waypoints == (0, 1, 2, 5) and s.stop == s.last == 3 * STOPS  # one walks there
    s = latent_shelf.chosen(latent_shelf.chosen(s, 0), 1)
    assert s.waypoints == (2, 5) and s.stop <= s.last
    with pytest.raises(BookError, match="a walk needs two points"):
        latent_shelf.chosen(s, 5)
    s = latent_shelf.chosen(replace(s, purpose="B"), 5)
    assert s.groups == ((), (5,), ()) and latent_shelf.chosen(s, 5).groups == ((), (), ())
    assert latent_shelf.chosen(s, 99) == s


def test_kept_points_join_the_shelf_until_it_is_full_and_are_forgotten_whole():
    s = Settings()
    for number in range(latent_shelf.ROOM):
        s = latent_shelf.kept(s, (0.1 * number, 0.0), walk_there=True)
    assert s.waypoints == (0, 1, 2, *range(12, 24)) and s.shelf == 24
    assert space().points(s, (14,)).tolist() == [pytest.approx([0.2, 0.0])]
    with pytest.raises(BookError, match="forget some"):
        latent_shelf.kept(s, (0.0, 0.0))
    s = replace(s, waypoints=(1, 15), groups=((15, 3), (), (20,)), cursor=20, stop=9)
    s = latent_shelf.forgotten(s)
    assert (s.waypoints, s.groups, s.cursor) == ((0, 1), ((3,), (), ()), 11)
    other = latent_shelf.redrawn(latent_shelf.kept(s, (0.3, 0.3)))
    assert other.seed == 1 and other.kept == ((0.3, 0.3),) and other.groups == ((), (), ())


def test_the_pictures_say_what_is_chosen_where_one_clicks():
    """Each tile is hit at its middle, and choosing it changes the picture there and only there."""
    images = torch.zeros(14, 1, 8, 8)
    plain = shelf_pixels(images, (), ((), (), ()), "walk", 0)
    for place in range(14):
        x = (place % 12 + 0.5) / 12
        y = (place // 12 + 0.5) / 2
        assert drawing.shelf_place(x, y, 14) == place
        chosen = shelf_pixels(images, (place,), ((), (), ()), "walk", 0)
        rows, columns = np.nonzero((chosen != plain).any(axis=2))
        assert int(rows.mean() / plain.shape[0] * 2) == place // 12
        assert int(columns.mean() / plain.shape[1] * 12) == place % 12


def shelf_pixels(*arguments):
    return np.asarray(Image.open(io.BytesIO(drawing.shelf(*arguments))))


# --- pointer and keys ---------------------------------------------------------------------------


def at_panel(panel, kind="down"):
    x = (panel * (drawing.TILE + drawing.GAP) + drawing.TILE / 2) / drawing.SCENE[0]
    return {"kind": kind, "x": x, "y": (drawing.STRIP_TOP + 20) / drawing.SCENE[1]}


def test_the_strip_is_clicked_and_the_norms_are_dragged():
    here, grip = space(), latent_pointer.Grip()

    def hear(s, event):
        return latent_pointer.on_picture(here, event, grip)(s)

    s = hear(state.to_stop(Settings(), 20), at_panel(8))
    assert s.stop == 23
    assert hear(s, at_panel(0, "move")) == s  # the strip would run away under the pointer
    turned = replace(here.find_directions(s), along=1)
    assert hear(turned, at_panel(2, "move")).moves[1] == pytest.approx(-0.6)
    hear(s, at_panel(3, "up"))
    left, right = drawing.chart_left(False), drawing.CHART_RIGHT
    for share in (0, 0.25, 1):
        x = (left + share * (right - left)) / drawing.SCENE[0]
        for kind in ("down", "move", "up"):
            moved = hear(s, {"kind": kind, "x": x, "y": 0.3})
            assert moved.stop == (round(share * s.last) if kind != "up" else s.stop)
    assert hear(s, {"kind": "move", "x": x, "y": 0.3}) == s  # nothing is held any more


def test_every_key_does_what_a_pointer_can():
    here, grip = space(), latent_pointer.Grip()

    def press(key, s):
        event = {"kind": "key", "key": key, "x": 0.5, "y": 0.5}
        return latent_pointer.on_picture(here, event, grip)(s)

    s = state.to_stop(Settings(), 10)
    assert press("ArrowRight", s).stop == 11 and press("ArrowDown", s).stop == 5
    assert press("Enter", s).kept == (tuple(here.noise(s).tolist()),)
    assert press("Delete", here.move(s, 0, 0.5)) == replace(here.find_directions(s), along="walk")

    def shelf(key, s):
        return latent_pointer.on_shelf({"kind": "key", "key": key, "x": 0, "y": 0})(s)

    s = shelf("ArrowRight", shelf("ArrowRight", shelf("ArrowRight", s)))
    assert s.cursor == 3 and shelf(" ", s).waypoints == (0, 1, 2, 3)
    assert shelf("ArrowUp", s).cursor == 0 and shelf("ArrowDown", s).cursor == 11

    def on_map(key, s):
        return latent_pointer.on_map(here, {"kind": "key", "key": key, "x": 0, "y": 0})(s)

    s = state.placed(s, (0.98, 0.5))
    assert on_map("ArrowRight", s).off == (1.0, 0.5) and on_map("ArrowDown", s).off == (0.98, 0.45)
    assert on_map("Enter", s).kept == (pytest.approx((0.98, 0.5)),)


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_a_click_on_the_map_is_the_noise_of_the_picture_there(kind):
    from lsgan_lib.latent import manifold_grid

    side = latent_map.SIDE
    grid = manifold_grid(side, side, kind=kind)
    for place in (0, 5, side * 3 + 7, side * side - 1):
        x, y = (place % side + 0.5) / side, (place // side + 0.5) / side
        assert latent_map.to_noise(x, y, kind) == pytest.approx(grid[place].tolist(), abs=6e-4)
        back = latent_map.to_map(grid[place][None], kind)[0] / latent_map.PIXELS
        assert back.tolist() == pytest.approx([x, y], abs=1e-5)
    assert latent_map.to_noise(0, 0, kind) == pytest.approx(grid[0].tolist(), abs=6e-4)


# --- the reader's picture -----------------------------------------------------------------------


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="png")
    return file.getvalue()


def test_the_middle_of_an_uploaded_picture_is_cut_out():
    wide = np.zeros((40, 100, 3), dtype=np.uint8)
    wide[:, 30:70] = (255, 0, 0)  # the middle square
    picture = read_picture(png(wide), "wide.png", (3, 8, 8))
    assert picture.shape == (3, 8, 8)
    assert (picture[0, :, 1:-1] > 0.95).all() and (picture[1:] < -0.95).all()
    grey = read_picture(png(wide), "wide.png", (1, 8, 16))  # a generator of wide pictures
    assert grey.shape == (1, 8, 16) and grey.min() == -1 and -0.5 < grey.max() < -0.3


CUT_OFF = png(np.arange(10_000, dtype=np.uint16).astype(np.uint8).reshape(100, 100))[:200]


@pytest.mark.parametrize("content", [b"", b"not a picture", CUT_OFF])
def test_a_broken_picture_is_said_and_changes_nothing(content, lab):
    one = lab()
    before = bytes(one.search.image.value), one.settings
    one.search.upload.value = (_upload(content) | {"name": "<b>.png"},)
    assert "&lt;b&gt;.png cannot be used" in one.said.value
    assert (bytes(one.search.image.value), one.settings) == before
    assert one.search.begin.disabled


def searched(target, steps=300, **options):
    news = []
    search = Search(Stripes().eval(), target, 2, "uniform", news.append, steps=steps, every=0,
                    **options)  # fmt: skip
    return search, news


def test_a_search_finds_noise_and_tells_how_far_it_is():
    target = Stripes()(torch.tensor([[0.7, -0.3]]))[0].detach()
    search, news = searched(target)
    search.start()
    search.join(60)
    assert not search.running and news[-1].over and news[-1].step == 300
    assert news[-1].z.tolist() == pytest.approx([0.7, -0.3], abs=1e-3)
    errors = [one.error for one in news]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 1e-3 < errors[0]
    assert [one.step for one in news[:-1]] == list(range(301))


def test_a_search_stops_when_told_and_keeps_the_best():
    search, news = searched(torch.zeros(1, 8, 8), steps=10_000_000)
    search.start()
    while len(news) < 5:
        time.sleep(0.001)
    search.stop()
    search.join(60)
    assert not search.running and news[-1].over and news[-1].step < 10_000_000
    assert news[-1].error == min(one.error for one in news)


def test_a_search_that_fails_says_so():
    search, news = searched(torch.zeros(1, 5, 5))  # no picture of this generator
    search.start()
    search.join(60)
    assert news[-1].over and news[-1].trouble.startswith("the search failed: ")


def test_a_reader_uploads_searches_stops_and_walks_there(lab):
    one = lab(Stripes(2, 3).eval())
    panel = one.search
    content = png(np.full((30, 50, 3), 160, np.uint8))
    panel.upload.value = (_upload(content),)
    before = one.settings, bytes(one.image.value)
    panel.begin.click()
    assert panel.begin.disabled and not panel.end.disabled
    one.panel.position.value = 9  # the kernel answers while the search goes on
    assert one.settings.stop == 9
    panel.search.join(60)
    assert "Ended" in panel.told.value and panel.progress.value == panel.progress.max
    assert panel.end.disabled and not panel.begin.disabled
    assert one.settings == replace(before[0], stop=9)  # nothing moves before one asks for it
    panel.walk_there.click()
    shown = one.space.pictures(one.settings)[0]
    assert (shown - (160 / 127.5 - 1)).abs().max() < 0.01
    panel.begin.click()
    panel.end.click()
    assert panel.search is None and "Ended" in panel.told.value


# --- the lab ------------------------------------------------------------------------------------


def test_the_nearest_real_image_is_shown_and_measured():
    data = torch.stack([Stripes()(torch.tensor([[a, 0.0]]))[0] for a in (-0.8, 0.1, 0.8)]).detach()
    here = space(data=data)
    image = here.pictures(Settings(off=(0.2, 0.0)))[0]
    real, distance = here.neighbour(image)
    assert torch.equal(real, data[1])
    assert distance == pytest.approx((0.5 * 0.05**2) ** 0.5, rel=1e-3)  # half of the columns
    assert space().neighbour(image) is None


def test_saved_files_are_what_is_shown_and_their_paths_are_said(lab, tmp_path):
    one = lab()
    one.panel.position.value = 20
    png_button, gif_button, mp4_button = (c for c in one.controls() if " as " in
                                          getattr(c, "description", ""))  # fmt: skip
    for pressed in (png_button, gif_button, gif_button, mp4_button):
        pressed.click()
        name = sorted((tmp_path / "saved").iterdir(), key=lambda p: p.stat().st_mtime_ns)[-1]
        assert f"Saved as {name.resolve()}" in one.said.value
    names = sorted(path.name for path in (tmp_path / "saved").iterdir())
    assert names == ["picture-1.png", "walk-1.gif", "walk-1.mp4", "walk-2.gif"]
    shown = one.space.pictures(one.settings)[0]
    saved = np.asarray(Image.open(tmp_path / "saved" / "picture-1.png"))[::32, ::32, 0]
    assert (saved == ((shown[0] + 1) * 127.5).round().numpy()).all()
    assert Image.open(tmp_path / "saved" / "walk-1.gif").n_frames > 20  # equal ones are joined


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    one = LatentExplorer(Stripes().eval(), folder=tmp_path / "file")
    next(c for c in one.controls() if "PNG" in getattr(c, "description", "")).click()
    assert "could not write into" in one.said.value
    one.close()


def test_controls_follow_the_settings_and_a_refusal(lab):
    one = lab(waypoints=(0, 1))
    one.shelf.hear({"kind": "down", "x": 4.5 / 12, "y": 0.5})
    assert one.panel.position.max == 40 and one.panel.position.value == 40
    one.panel.purpose.value = "A"
    one.shelf.hear({"kind": "key", "key": "Enter", "x": 0, "y": 0})
    assert one.settings.groups == ((4,), (), ()) and "mean of A (1 sample)" in one.panel.sum.value
    before = one.settings
    next(c for c in one.controls() if "Walk to A" in getattr(c, "description", "")).click()
    assert "group B is empty" in one.said.value and one.settings == before
    one.panel.moves[1].value = 0.35
    assert "strength" in one.panel.moves[0].description and one.settings.along == 1
    one.map.hear({"kind": "down", "x": 0.1, "y": 0.9})
    assert one.panel.moves[1].value == 0 and "beside the walk" in one.said.value


def test_an_event_does_not_set_back_a_control_whose_own_event_still_waits(lab):
    """As when JupyterLab hands over the events of two controls in two threads."""
    one = lab()
    waiting = one.panel.moves[0]
    one.panel._following = True  # the slider has its new value, and its event is not yet taken up
    waiting.value = 0.4
    one.panel._following = False
    one.image.hear(at_panel(7))
    assert one.settings.stop == 7 and waiting.value == 0.4
    threads = [threading.Thread(target=one.image.hear, args=(at_panel(p),)) for p in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bytes(one.image.value) == one.picture(one.settings)


def test_all_controls_show_the_settings_from_the_beginning(lab):
    one = lab(waypoints=(4, 5, 6, 7))
    assert one.panel.position.max == 3 * STOPS and "mean of A (0 samples)" in one.panel.sum.value
    assert one.panel.moves[1].description.startswith("direction 2, strength ")
    assert one.settings.along == "walk" and one.settings.moves == STILL


def test_every_tab_says_what_it_is_for(lab):
    tab, hint = lab().box.children[-1].children
    said = set()
    for index in range(len(tab.titles)):
        tab.selected_index = index
        said.add(hint.value)
        assert latent_parts.MAP_HINT in hint.value  # this generator has a map
    assert len(said) == len(tab.titles) == 5


def test_all_pictures_are_those_of_the_settings(lab, monkeypatch):
    monkeypatch.setattr(sheet, "SHARP", 1)  # quicker pictures
    monkeypatch.setattr(latent_map, "SHARP", 1)
    one = lab()
    for event in range(60):
        press_at_random(one, 1, seed=event, threads=1)
        assert bytes(one.shelf.value) == one.picture_of_shelf(one.settings)
        assert bytes(one.map.value) == one.picture_of_map(one.settings)


def test_the_strip_shows_the_walk_and_the_directions(lab, monkeypatch):
    shown = []
    monkeypatch.setattr("lsgan_lib.labs.latent_explorer.shown", shown.append)
    lab().strip()
    titles = [ax.get_title(loc="left") for ax in shown[0].axes]
    assert titles[0].startswith("a walk through") and len(titles) == 3
    page = shown[0].axes[0].images[0].get_array()
    assert page.shape[1] == PANELS * 8 + (PANELS - 1) * 2


@pytest.mark.parametrize("name", ["mnist-least-squares", "mnist-least-squares-2d"])
def test_a_recorded_run_is_explored_with_its_own_noise_and_data(name):
    one = LatentExplorer.of_run(name)
    assert one.space.kind == "uniform" and one.space.data.shape == (5_000, 1, 28, 28)
    assert (one.map is not None) == (name == "mnist-least-squares-2d")
    assert "nearly all draws" in one.said.value
    one.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"generator": torch.nn.Linear(2, 2).eval(), "z_dim": 2}, "shows images"),
        ({"generator": torch.nn.Sequential(Stripes()).eval()}, "how long the noise is"),
        ({"generator": Stripes()}, "training mode"),
        ({"generator": Stripes().eval(), "waypoints": (0, 12)}, "waypoints are"),
        ({"generator": Stripes().eval(), "waypoints": (3, 3)}, "waypoints are"),
        ({"generator": Stripes().eval(), "kind": "cauchy"}, "must be one of"),
        ({"generator": Stripes().eval(), "data": torch.zeros(5, 3, 8, 8)}, "data must hold"),
    ],
)
def test_what_cannot_be_explored_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        LatentExplorer(options.pop("generator"), **options)


def test_a_thousand_events_in_a_row(lab, monkeypatch):
    """Of every kind, on every control; files are saved under ever new names."""
    monkeypatch.setattr(sheet, "SHARP", 1)
    monkeypatch.setattr(sheet, "COMPRESSION", 0)
    one = lab(Stripes(4).eval(), data=torch.zeros(3, 1, 8, 8))
    monkeypatch.setattr(Search, "__init__", shortened(Search.__init__))
    small = films.frames
    monkeypatch.setattr(films, "frames", lambda images, width: small(images, 16))
    done = press_at_random(one, 1_000, seed=7, threads=1)
    assert {event.control for event in done} >= {place for place, _ in reachable(one)}
    assert len(one.settings.kept) <= latent_shelf.ROOM


def shortened(init):
    return lambda self, *args, **options: init(self, *args, **options, steps=20)


@settings(max_examples=5, deadline=None)
@given(st.data())
def test_any_events_leave_the_lab_sound(data):
    one = LatentExplorer(Stripes(4).eval(), kind="normal", folder="/dev/null/nowhere")
    try:
        assert_sound(one)
        for _ in range(10):
            apply(one, data.draw(events(one)))
            assert_sound(one, threads=1)
    finally:
        one.close()
