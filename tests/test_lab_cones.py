"""The cone drawer: critics and forces known by hand, points by clicks and keys, random events."""

import io
import math
import random
from dataclasses import replace

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from lab_events import KEYS, assert_sound, press_at_random  # noqa: E402
from PIL import Image  # noqa: E402

from lsgan_lib.figures import PALETTE  # noqa: E402
from lsgan_lib.labs import lab as lab_module  # noqa: E402
from lsgan_lib.labs import stage  # noqa: E402
from lsgan_lib.labs.cone_drawer import ConeDrawer  # noqa: E402
from lsgan_lib.labs.cones.game import compute, critic_of, solve, words  # noqa: E402
from lsgan_lib.labs.cones.points import (  # noqa: E402
    MOST,
    SPAN,
    ConeSettings,
    added,
    moved,
    nearest,
    removed,
    snapped,
)

few = settings(deadline=None, derandomize=True, max_examples=25)
PLACES = st.tuples(*[st.integers(-30, 30).map(lambda n: n / 10)] * 2)
SIDES = ("lower", "half-way", "upper", "upper over least values")
GAMES = st.builds(
    ConeSettings,
    real=st.lists(PLACES, min_size=1, max_size=4).map(tuple),
    fake=st.lists(PLACES, min_size=1, max_size=4).map(tuple),
    dimensions=st.sampled_from([1, 2]),
    kappa=st.sampled_from([0.3, 0.7, 1.0, 1.6, 3.0]),
    lam=st.sampled_from([0.5, 1.0, 4.0]),
    slope=st.sampled_from([0.0, 0.0, -0.5, 0.5, 1.0]),
    side=st.sampled_from(SIDES),
)


def pair(**changed) -> ConeSettings:
    """One real point at -1 and one generated at 1: the distance is 2."""
    return replace(ConeSettings(real=((-1.0, 0.0),), fake=((1.0, 0.0),)), **changed)


# --- one pair, on paper -------------------------------------------------------------------------

# κ, critic: value at the generated point, mean force on it (to the left is minus), verdict.
# Below κ = 1 its value is 2 κ. Above it is anything from the margin, 2, to 2 κ.
BY_HAND = [
    (0.5, "lower", 1.0, 0.0, "summit"),
    (0.5, "upper", 1.0, -0.5, "pulled"),
    (0.5, "half-way", 1.0, -0.25, "pulled"),  # κ on the left of it, flat on its right
    (0.5, "upper over least values", 1.0, -0.5, "pulled"),
    (3.0, "lower", 2.0, 0.0, "summit"),
    (3.0, "upper", 6.0, -3.0, "pulled"),
    (3.0, "half-way", 4.0, -1.5, "pulled"),  # of ±3 from below and -3 from above
    (3.0, "upper over least values", 2.0, 0.0, "pit"),
]


@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize(("kappa", "side", "value", "pull", "verdict"), BY_HAND)
def test_one_pair(dimensions, kappa, side, value, pull, verdict) -> None:
    shown = compute(pair(kappa=kappa, side=side, dimensions=dimensions))
    assert shown is not None
    assert shown.values.tolist() == pytest.approx([0, value], abs=1e-5)
    assert shown.excess.item() == pytest.approx(2 - value, abs=1e-5)
    assert shown.force.verdicts == [verdict]
    if dimensions == 1:
        assert shown.force.mean.tolist() == [pytest.approx([pull], abs=1e-6)]
    else:  # in the plane the ring sees the cone's curvature, and the mix falls on more sides
        x, y = shown.force.mean[0].tolist()
        assert y == pytest.approx(0, abs=1e-6) and (x < -1e-3) == (pull < 0)
        if side.startswith("upper"):
            assert x == pytest.approx(pull, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(("kappa", "value"), [(0.5, 1.0), (1.0, 0.0), (3.0, 0.0)])
def test_the_smallest_objective_of_one_pair(kappa: float, value: float) -> None:
    """lam (2 - 2 kappa)_+"""
    best = solve(pair(kappa=kappa, lam=4.0))
    assert best is not None and best.value == pytest.approx(4 * value, abs=1e-6)
    assert f"Smallest objective {4 * value:g};" in words(pair(kappa=kappa, lam=4.0))


@pytest.mark.parametrize("kappa", [0.5, 3.0])
def test_slope_one_goes_on_beyond_the_margin(kappa: float) -> None:
    """WGAN's objective: lam (2 - 2 kappa), negative for steep critics; nothing ends at a margin."""
    shown = compute(pair(kappa=kappa, slope=1.0, lam=2.0))
    assert shown is not None
    assert shown.best.value == pytest.approx(2 * (2 - 2 * kappa), abs=1e-6)
    assert shown.best.least.tolist() == pytest.approx([0, 2 * kappa], abs=1e-5)
    assert shown.best.greatest.tolist() == pytest.approx([0, 2 * kappa], abs=1e-5)
    if kappa == 3:
        assert "Smallest objective −8;" in words(pair(kappa=kappa, slope=1.0, lam=2.0))


def test_half_way_between_two_real_points_is_a_summit() -> None:
    game = ConeSettings(real=((-1.0, 0.0), (1.0, 0.0)), fake=((0.0, 0.0),), side="upper")
    shown = compute(game)
    assert shown is not None and shown.force.verdicts == ["summit"]
    assert shown.force.around[0, :, 0].tolist() == pytest.approx([-0.5, 0.5])


def test_a_real_point_in_the_same_place_takes_the_force_away() -> None:
    shown = compute(ConeSettings(real=((1.0, 0.0),), fake=((1.0, 0.0),), side="lower"))
    assert shown is not None
    assert shown.force.verdicts == ["flat"] and shown.excess.item() == pytest.approx(0, abs=1e-6)


# --- forces, hinges, sentences, on random games -------------------------------------------------


@few
@given(game=GAMES)
def test_the_force_is_minus_the_difference_quotient_around_the_point(game: ConeSettings) -> None:
    shown = compute(game)
    assert shown is not None
    critic, h = critic_of(shown.best, game.side), 1e-6
    places = shown.best.fake[:, None] + 0.02 * shown.force.ring
    for axis in range(game.dimensions):
        step = torch.zeros(game.dimensions, dtype=torch.float64)
        step[axis] = h
        ends = [critic((places + sign * step).flatten(0, 1)) for sign in (1, -1)]
        quotient = ((ends[1] - ends[0]) / (2 * h)).view(places.shape[:2])
        gap = (quotient - shown.force.around[:, :, axis]).abs()
        # a place of the ring may lie on a kink, where the two differ
        assert (gap > 1e-3).double().mean() < 0.2
    assert shown.force.around.norm(dim=2).max() <= game.kappa + 1e-6


@few
@given(game=GAMES)
def test_hinges_by_two_loops(game: ConeSettings) -> None:
    shown = compute(game)
    assert shown is not None
    n, d = len(game.real), game.dimensions
    critic, tolerance = critic_of(shown.best, game.side), 1e-5
    scores = critic(shown.best.points).tolist()
    assert shown.values.tolist() == pytest.approx(scores, abs=tolerance)
    active = 0
    for i, x in enumerate(game.real):
        for j, y in enumerate(game.fake):
            excess = math.dist(x[:d], y[:d]) + scores[i] - scores[n + j]
            assert shown.excess[i, j].item() == pytest.approx(excess, abs=tolerance)
            active += shown.excess[i, j].item() > 1e-5
    assert f"{active} of {n * len(game.fake)} hinges are active" in words(game)


@few
@given(game=GAMES)
def test_every_side_is_a_best_critic(game: ConeSettings) -> None:
    """Its objective, from its own values at the points, is the smallest one."""
    shown = compute(game)
    assert shown is not None
    n = len(game.real)
    cost = torch.where(shown.excess > 0, shown.excess, game.slope * shown.excess)
    value = shown.values[:n].mean() + game.lam * cost.mean()
    assert value.item() == pytest.approx(shown.best.value, abs=1e-5)


def test_a_game_of_one_kind_says_what_is_missing() -> None:
    assert "add a generated one" in words(pair(fake=()))
    assert "add a real and generated one" in words(pair(real=(), fake=()))
    assert compute(pair(fake=())) is None


# --- points -------------------------------------------------------------------------------------


@few
@given(game=GAMES, place=st.tuples(*[st.floats(-4, 4)] * 2))
def test_points_come_move_and_go(game: ConeSettings, place) -> None:
    more = added(game, place)
    x, y = more.real[-1]
    assert abs(x - np.clip(place[0], -SPAN, SPAN)) <= 0.0501
    assert abs(round(10 * y) - 10 * y) < 1e-9 and abs(y) <= SPAN
    assert more.fake == game.fake and more.real[:-1] == game.real
    assert removed(more, "real", len(game.real)) == game
    away = moved(more, "real", 0, (0.3, 0.4))
    assert away.real[0] == (0.3, 0.4 if game.dimensions == 2 else game.real[0][1])
    assert away.real[1:] == more.real[1:]


def test_nearest_looks_at_both_kinds_and_on_a_line_at_x_only() -> None:
    game = ConeSettings(real=((0.0, 3.0), (1.0, 0.0)), fake=((0.4, 0.0),), dimensions=2)
    assert nearest(game, (0.1, 0.0)) == ("generated", 0)
    assert nearest(replace(game, dimensions=1), (0.1, 0.0)) == ("real", 0)
    assert nearest(game, (2.0, 0.0), reach=0.5) is None
    assert nearest(ConeSettings(real=(), fake=()), (0.0, 0.0)) is None


def test_there_is_a_most() -> None:
    full = ConeSettings(real=((0.0, 0.0),) * MOST)
    with pytest.raises(ValueError, match="10 real points are the most"):
        added(full, (1.0, 1.0))
    assert len(added(replace(full, adds="generated"), (1.0, 1.0)).fake) == 4
    with pytest.raises(ValueError, match="11 real points, but 10"):
        ConeSettings(real=((0.0, 0.0),) * (MOST + 1))


# --- the lab ------------------------------------------------------------------------------------


def on_page(lab: ConeDrawer, x: float, y: float) -> dict[str, float]:
    """Where a place of the axes lies on the picture, as the page would tell it."""
    axes = lab._page.stages[lab.settings.dimensions].axes[0]
    box, (bottom, top) = axes.get_position(), axes.get_ylim()
    up = (y - bottom) / (top - bottom)
    return {
        "x": box.x0 + (x + SPAN) / (2 * SPAN) * box.width,
        "y": 1 - (box.y0 + up * box.height),
    }


def do(lab: ConeDrawer, kind: str, x: float, y: float) -> None:
    lab.image.hear({"kind": kind, **on_page(lab, x, y)})


def press(lab: ConeDrawer, *keys: str) -> None:
    for key in keys:
        lab.image.hear({"kind": "key", "key": key, "x": 0.5, "y": 0.5})


def pixel(lab: ConeDrawer, x: float, y: float) -> tuple[int, ...]:
    picture = Image.open(io.BytesIO(lab.image.value)).convert("RGB")
    at = on_page(lab, x, y)
    return picture.getpixel((round(at["x"] * picture.width), round(at["y"] * picture.height)))


def like(colour: str, found: tuple[int, ...]) -> bool:
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return max(abs(a - b) for a, b in zip(wanted, found, strict=True)) < 25


@pytest.fixture
def empty() -> ConeDrawer:
    return ConeDrawer(ConeSettings(real=(), fake=(), dimensions=2))


def test_a_click_puts_a_point_where_it_is_seen(empty: ConeDrawer) -> None:
    for adds, x, y in (("real", -1.5, 0.7), ("generated", 2.0, -2.2)):
        empty._parts["adds"].value = adds
        do(empty, "down", x + 0.02, y - 0.03)
        do(empty, "up", x + 0.02, y - 0.03)
        do(empty, "move", 0.0, 0.0)  # with no button held: nothing
    press(empty, "ArrowUp", "ArrowUp", "ArrowUp")  # the cross off the point
    assert (empty.settings.real, empty.settings.fake) == (((-1.5, 0.7),), ((2.0, -2.2),))
    assert like(PALETTE["real"], pixel(empty, -1.5, 0.7))
    assert like(PALETTE["fake"], pixel(empty, 2.0, -2.2))


def test_dragging_moves_the_point_that_is_under_the_pointer(empty: ConeDrawer) -> None:
    do(empty, "down", 1.0, 1.0)
    do(empty, "move", -0.5, 2.0)  # the new point is held at once
    do(empty, "up", -0.5, 2.0)
    do(empty, "down", 2.0, 2.0)
    do(empty, "up", 2.0, 2.0)
    do(empty, "down", -0.45, 1.95)  # near the first one: taken, not a third
    do(empty, "move", -2.0, -1.0)
    do(empty, "move", -9.0, -1.0)  # outside the axes it waits
    do(empty, "up", -9.0, -1.0)
    do(empty, "move", 0.0, 0.0)
    assert empty.settings.real == ((-2.0, -1.0), (2.0, 2.0))
    assert empty.settings.cursor == (-2.0, -1.0)


def test_on_a_line_height_does_not_matter() -> None:
    lab = ConeDrawer(ConeSettings(real=((-1.0, 0.0),), fake=((1.0, 2.0),)))
    top = lab._page.stages[1].axes[0].get_ylim()[1]
    do(lab, "down", 1.04, 0.8 * top)
    do(lab, "move", 2.5, 0.3 * top)
    do(lab, "up", 2.5, 0.3 * top)
    assert lab.settings.fake == ((2.5, 2.0),)
    shown = compute(lab.settings)
    assert shown is not None
    assert like(PALETTE["fake"], pixel(lab, 2.5, shown.values[1].item()))
    assert like(PALETTE["real"], pixel(lab, -1.0, 0.0))


def test_the_keyboard_alone_suffices(empty: ConeDrawer) -> None:
    press(empty, *["ArrowLeft"] * 10, "Enter", " ", *["ArrowRight"] * 20, "ArrowDown", "Enter")
    assert empty.settings.real == ((-1.0, 0.0),)
    assert empty.settings.fake == ((1.0, -0.1),)
    assert empty.settings.adds == "generated"
    press(empty, *["ArrowRight"] * 40)
    assert empty.settings.cursor == (SPAN, -0.1)
    press(empty, "Delete")
    assert empty.settings.fake == () and len(empty.settings.real) == 1
    press(empty, "Delete", "Delete")
    assert empty.settings.real == ()
    assert "add a real and generated one" in empty.image.alt


def test_a_click_beside_the_drawing_does_nothing(empty: ConeDrawer) -> None:
    before = bytes(empty.image.value)
    for x, y in ((0.01, 0.5), (0.9, 0.6), (0.5, 0.99)):
        empty.image.hear({"kind": "down", "x": x, "y": y})
    assert bytes(empty.image.value) == before and empty.settings.real == ()


def test_one_point_too_many_is_a_sentence(empty: ConeDrawer) -> None:
    for k in range(MOST + 3):
        do(empty, "down", -2.5 + 0.4 * k, 0.0)
        do(empty, "up", -2.5 + 0.4 * k, 0.0)
    assert len(empty.settings.real) == MOST
    status = empty.box.children[-2].value
    assert 'role="status"' in status and "10 real points are the most" in status
    empty._parts["kappa"].value = 2.0
    assert "the most" not in empty.box.children[-2].value


def test_the_buttons() -> None:
    lab = ConeDrawer()
    by_name = {getattr(c, "description", ""): c for c in lab.controls()}

    def click(name: str) -> None:
        for listener in by_name[name]._click_handlers.callbacks:
            listener(by_name[name])

    lab._parts["kappa"].value = 4.0
    do(lab, "down", 2.4, 0.1)
    do(lab, "up", 2.4, 0.1)
    click("delete the point next to the cross")
    assert lab.settings.fake == ConeSettings().fake[:2]
    click("delete all")
    assert (lab.settings.real, lab.settings.fake, lab.settings.kappa) == ((), (), 4.0)
    click("start again")
    assert lab.settings == ConeSettings()


def test_a_thousand_random_events(monkeypatch) -> None:
    monkeypatch.setattr(stage, "DOTS_PER_INCH", 30)  # small pictures, for speed
    lab = ConeDrawer()
    events = press_at_random(lab, 1_000, seed=2)
    assert {event.control for event in events} == set(range(len(lab.controls())))
    assert ConeDrawer().picture(lab.settings) == bytes(lab.image.value)
    lab.close()


def test_hundreds_of_clicks_and_keys_fill_it_and_nothing_breaks(monkeypatch) -> None:
    """Random events delete as much as they add: here is what only adds and drags."""
    monkeypatch.setattr(stage, "DOTS_PER_INCH", 30)
    lab, numbers, most = ConeDrawer(), random.Random(0), 0
    assert_sound(lab)
    for count in range(300):
        lab._parts["dimensions"].index = count // 150
        kind = numbers.choice(["down", "down", "move", "up", "key"])
        event = {"kind": kind, "x": numbers.random(), "y": numbers.random()}
        keys = [key for key in KEYS if key != "Delete" or count % 3]
        lab.image.hear(event | ({"key": numbers.choice(keys)} if kind == "key" else {}))
        assert_sound(lab)
        most = max(most, len(lab.settings.real) + len(lab.settings.fake))
    assert most == 2 * MOST


def test_the_strip_is_one_figure_and_the_lab_none(monkeypatch) -> None:
    boxes: list[object] = []
    monkeypatch.setattr(lab_module, "show_live", lambda box, sentence: boxes.append(box))
    plt.close("all")
    lab = ConeDrawer()
    assert plt.get_fignums() == []
    lab.show()
    assert boxes == [lab.box] and len(plt.gcf().axes) == 6
    plt.close("all")


def test_snapping_keeps_the_sign_of_zero_and_the_square() -> None:
    assert str(snapped((-0.01, 7.0))) == "(0.0, 3.0)"
