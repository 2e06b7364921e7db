"""Sliders, driven without a browser: the picture follows the slider, the page reads without one."""

import io

import matplotlib

matplotlib.use("Agg")

import ipywidgets as widgets  # noqa: E402
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

from lsgan_lib.labs import repaint as repaint_module  # noqa: E402
from lsgan_lib.labs.explore import evenly, explore, label, picture  # noqa: E402
from lsgan_lib.labs.latent_slider import (  # noqa: E402
    enlarged,
    latent_plane,
    latent_slider,
)
from lsgan_lib.labs.repaint import repaint, repaint_plane  # noqa: E402
from lsgan_lib.latent import images_of  # noqa: E402
from lsgan_lib.walks import walk  # noqa: E402


@pytest.fixture
def live(monkeypatch):
    """Keep the widgets that a lab shows instead of sending them to a page."""
    boxes: list[widgets.VBox] = []
    monkeypatch.setattr(repaint_module, "show_live", lambda box, sentence: boxes.append(box))
    return boxes


def size(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


def test_the_picture_follows_the_slider(live):
    slider, image = repaint(lambda value: bytes([value]), "depth", [7, 8, 9], width=300)
    assert bytes(image.value) == b"\x07"
    slider.index = 2
    assert bytes(image.value) == b"\x09"
    assert image.tooltip is None  # JupyterLab shows a JavaScript error for an image that has one


def test_what_the_picture_shows_is_also_said(live):
    """The image widget has no alternative text: a line for screen readers goes with it."""
    slider, _ = repaint(lambda value: b"", "cost of <L>", [7, 8, 9])
    slider.index = 2
    status = live[0].children[-1]
    assert 'role="status"' in status.value
    assert "cost of &lt;L&gt; = 9<" in status.value


def test_a_picture_is_made_once(live):
    made = []

    def png(value):
        made.append(value)
        return bytes([value])

    slider, image = repaint(png, "n", [5, 6, 7])
    slider.index = 1
    slider.index = 0
    assert bytes(image.value) == b"\x05"
    assert made == [5, 6]


def test_values_that_look_alike_stay_apart(live):
    slider, image = repaint(
        lambda v: bytes([int(v[0])]), "z", [np.ones(2), np.zeros(2)], labels=["a", "a"]
    )
    slider.index = 1
    assert bytes(image.value) == b"\x00"


def test_the_text_beside_a_slider_is_the_same_everywhere(monkeypatch):
    """nbval compares it; the widget's own text would hold the first bytes of the picture."""
    bundles = []
    monkeypatch.setattr(repaint_module, "display", lambda bundle, raw: bundles.append(bundle))
    repaint(lambda value: b"\x89PNG", "slope", [0, 1])
    assert bundles[0]["text/plain"] == "[Slider: slope from 0 to 1. Run the notebook to move it.]"
    assert "application/vnd.jupyter.widget-view+json" in bundles[0]


def test_two_sliders_move_one_picture(live):
    x, y, image = repaint_plane(lambda x, y: f"{x},{y}".encode(), ("x", "y"), [-1, 0, 1])
    assert bytes(image.value) == b"0,0"
    x.index, y.index = 0, 2
    assert bytes(image.value) == b"-1,1"
    assert "x = −1, y = 1" in live[0].children[-1].value


def test_a_slider_is_continuous_and_its_name_is_readable(live):
    slider, _ = repaint(lambda value: b"", "a rather long name of a slider", [0, 1])
    assert slider.continuous_update
    assert slider.style.description_width == "initial"
    assert slider.tabbable is not False


# --- explore ------------------------------------------------------------------------------------


def test_explore_prints_a_strip_and_repaints(live):
    drawn = []

    def draw(ax, value):
        drawn.append(value)
        ax.plot([0, 1], [0, value])

    explore(draw, "slope", [-1.0, 0.0, 0.5, 1.0, 2.0], panels=3, size=(4, 3))
    assert drawn == [-1.0, 0.5, 2.0, -1.0]  # the strip, then the first live picture
    slider, image, _ = live[0].children
    before = bytes(image.value)
    slider.index = 3
    assert bytes(image.value) != before
    assert size(bytes(image.value)) == (640, 480)  # twice the 320 x 240 it takes on the page
    assert image.width == "320"


def test_a_picture_is_the_same_bytes_each_time():
    def draw(ax, value):
        ax.plot([0, value])

    one, again = (picture({"": draw}, "x", 1.0, (3, 2)) for _ in range(2))
    assert one == again


def test_two_drawings_are_two_rows_and_stand_side_by_side(live):
    def above(ax, value):
        ax.set_ylabel("height")

    explore({"first": above, "second": lambda ax, value: None}, "t", [0, 1], size=(3, 2))
    labels = [ax.get_ylabel() for ax in plt.gcf().axes]
    assert labels == ["first\nheight", "height", "second", ""]
    _, image, _ = live[0].children
    assert size(bytes(image.value)) == (960, 320)
    plt.close("all")


@pytest.mark.parametrize(
    ("count", "picked"),
    [(3, [0, 5, 10]), (2, [0, 10]), (1, [0]), (11, list(range(11))), (50, list(range(11)))],
)
def test_evenly_keeps_both_ends(count, picked):
    assert evenly(list(range(11)), count) == picked


def test_labels_are_short():
    assert [label(v) for v in (0.1 + 0.2, -1.0, 2000, "lerp")] == ["0.3", "−1", "2000", "lerp"]


# --- the generator under a slider ---------------------------------------------------------------


class Painter(torch.nn.Module):
    """A generator whose image shows its noise: a 2 x 2 image in the grey of z[0]."""

    def __init__(self):
        super().__init__()
        self.one = torch.nn.Parameter(torch.ones(1))

    def forward(self, z):
        return (self.one * z[:, 0]).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)


def test_a_walk_visits_every_waypoint_once():
    points = walk(torch.tensor([[0.0], [1.0], [-1.0]]), stops=4)
    torch.testing.assert_close(
        points[:, 0], torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0, 0.5, 0.0, -0.5, -1.0])
    )


def test_a_walk_needs_two_waypoints():
    with pytest.raises(ValueError, match="at least two"):
        walk(torch.zeros(1, 5), stops=4)


def test_a_generator_in_training_mode_is_refused():
    with pytest.raises(ValueError, match=r"generator\.eval\(\)"):
        images_of(Painter(), torch.zeros(1, 3))


def test_enlarging_keeps_pixels_square():
    png = enlarged(torch.tensor([-1.0, 1.0, 1.0, -1.0]).view(1, 1, 2, 2), 7)
    pixels = np.asarray(Image.open(io.BytesIO(png)))[..., 0]
    assert pixels.shape == (8, 8)
    assert pixels[:4, :4].max() == 0 and pixels[:4, 4:].min() == 255


def test_the_generator_paints_where_the_slider_stands(live):
    ends = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    latent_slider(Painter().eval(), ends, stops=10, panels=3, width=64)
    slider, image, _ = live[0].children
    for stop, grey in [(0, 0), (5, 128), (10, 255)]:
        slider.index = stop
        pixels = np.asarray(Image.open(io.BytesIO(bytes(image.value))))
        assert (pixels == grey).all()
    assert slider.options[5][0] == "0.50"


def test_the_slider_outlives_what_the_page_does_to_its_generator(live):
    """Chapter 04 puts it into training mode further down, and the slider above stood still."""
    ends = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    generator = Painter().eval()
    latent_slider(generator, ends, stops=10, panels=3, width=64)
    slider, image, _ = live[0].children
    generator.train()
    with torch.no_grad():
        generator.one.fill_(0.0)
    slider.index = 10
    assert (np.asarray(Image.open(io.BytesIO(bytes(image.value)))) == 255).all()


def test_two_sliders_walk_the_plane(live):
    latent_plane(Painter().eval(), stops=5, panels=3, width=4)
    first, second, image, _ = live[0].children
    second.index = 0  # the painter looks at the first coordinate only
    greys = []
    for stop in range(5):
        first.index = stop
        greys.append(np.asarray(Image.open(io.BytesIO(bytes(image.value))))[0, 0, 0])
    assert greys == [0, 64, 128, 191, 255]
