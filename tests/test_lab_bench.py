"""The loss bench: its numbers by closed forms, its controls by a thousand random events."""

import io
import math
import subprocess
import sys
from dataclasses import replace

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import given  # noqa: E402
from hypothesis import settings as hypothesis_settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from lab_events import Event, apply, press_at_random, reachable  # noqa: E402
from PIL import Image  # noqa: E402

from lsgan_lib.labs import lab as lab_module  # noqa: E402
from lsgan_lib.labs import stage  # noqa: E402
from lsgan_lib.labs.bench.batch import (  # noqa: E402
    batch,
    compute,
    critic_over_plane,
    critic_turn,
    generator_turn,
    scores_before,
    words,
)
from lsgan_lib.labs.bench.curves import (  # noqa: E402
    FAMILIES,
    PAIRED,
    BenchSettings,
    best_scores,
    losses,
)
from lsgan_lib.labs.loss_bench import LossBench  # noqa: E402

few = hypothesis_settings(deadline=None, derandomize=True, max_examples=40)
TENTHS = st.integers(-30, 30).map(lambda n: n / 10)
SETTINGS = st.builds(
    BenchSettings,
    family=st.sampled_from(FAMILIES),
    a=TENTHS,
    b=TENTHS,
    c=TENTHS,
    slope=st.integers(-20, 20).map(lambda n: n / 20),
    alpha=st.integers(0, 20).map(lambda n: n / 20),
    margin=st.integers(0, 40).map(lambda n: n / 10),
    share=st.integers(1, 19).map(lambda n: n / 20),
    critic=st.sampled_from(["straight", "best"]),
    size=st.integers(1, 20).map(lambda n: n / 10),
    steps=st.integers(1, 20),
).filter(lambda s: s.a != s.b)


def by_hand(settings: BenchSettings, s: np.ndarray) -> dict[str, np.ndarray]:
    """Losses of a single score, written down once more, without the library."""
    match settings.family:
        case "least squares":
            real, fake, made = ((s - t) ** 2 / 2 for t in (settings.b, settings.a, settings.c))
        case "cross-entropy":
            real, fake, made = np.log1p(np.exp(-s)), np.log1p(np.exp(s)), np.log1p(np.exp(-s))
        case "saturating":
            real, fake, made = np.log1p(np.exp(-s)), np.log1p(np.exp(s)), -np.log1p(np.exp(s))
        case "Wasserstein":
            real, fake, made = -s, s, -s
        case family:

            def cost(v: np.ndarray) -> np.ndarray:
                if family == "LS-GAN, leaky":
                    return np.where(v >= 0, v, settings.slope * v)
                return np.where(v >= 0, v, settings.alpha * (np.exp(np.minimum(v, 0)) - 1))

            real, fake, made = cost(settings.margin + s), cost(settings.margin - s), s
    return {"real": real, "fake": fake, "generator": made}


# --- curves -------------------------------------------------------------------------------------


@few
@given(settings=SETTINGS)
def test_every_curve_is_its_closed_form(settings: BenchSettings) -> None:
    shown = compute(settings)
    expected = by_hand(settings, shown.scores.double().numpy())
    for name, values in expected.items():
        np.testing.assert_allclose(shown.values[name], values, atol=1e-4, rtol=1e-5)


@hypothesis_settings(few, max_examples=20)
@given(settings=SETTINGS)
def test_every_slope_is_a_difference_quotient(settings: BenchSettings) -> None:
    """Between two neighbours of the grid, where no kink lies between them or at one of them."""
    shown = compute(settings)
    for name in ("real", "fake", "place", "generator"):
        value, slope = shown.values[name].double(), shown.slopes[name].double()
        quotient = value.diff() / shown.scores.double().diff()
        middle = (slope[1:] + slope[:-1]) / 2
        kinked = (shown.scores[1:].abs() - settings.margin).abs() < 0.15
        smooth = ~kinked if settings.family in PAIRED else torch.ones_like(kinked)
        torch.testing.assert_close(quotient[smooth], middle[smooth], atol=2e-3, rtol=2e-3)


def test_no_sigmoid_stands_under_the_squares() -> None:
    """A score of 1,000 is pulled with the force 999; a squashed one would not be pulled at all."""
    score = torch.tensor([1000.0], requires_grad=True)
    (slope,) = torch.autograd.grad(losses(BenchSettings()).generator(score), score)
    assert slope.item() == 999


# --- the best score -----------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (-1.0, 1.0), (0.3, -2.0)])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_least_squares_is_best_at_the_weighted_mean_of_its_targets(a, b, share) -> None:
    best = best_scores(BenchSettings(a=a, b=b, share=share))
    assert best == pytest.approx((share * b + (1 - share) * a,) * 2)
    assert best_scores(BenchSettings(a=a, b=b)) == pytest.approx(((a + b) / 2,) * 2)


@hypothesis_settings(few, max_examples=150)
@given(settings=SETTINGS)
def test_no_score_is_better_than_the_best(settings: BenchSettings) -> None:
    grid = np.linspace(-60, 60, 12_001)

    def place(s):
        parts = by_hand(settings, np.asarray(s, dtype=float))
        return settings.share * parts["real"] + (1 - settings.share) * parts["fake"]

    losses_there, best = place(grid), best_scores(settings)
    if best is None:  # it runs away: one end is the lowest, and falls on
        assert losses_there.argmin() in (0, len(grid) - 1)
        low = losses_there.argmin()
        assert abs(losses_there[low] - losses_there[abs(low - 100)]) > 1e-3
        return
    low, high = np.clip(best, -50, 50)
    assert place(low) <= losses_there.min() + 1e-7
    assert place(high) == pytest.approx(float(place(low)), abs=1e-7)
    for end, outside in ((best[0], low - 0.5), (best[1], high + 0.5)):
        if math.isfinite(end):
            assert place(outside) > place(low) + 1e-7


# --- where the batch goes -----------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 7])
def test_straight_critic_each_objective_moves_points_as_on_paper(steps: int) -> None:
    start, size = batch().fake, 0.3
    heights = start[:, 0].double()
    kept = (1 - size) ** steps
    for family, expected in {
        "least squares": 0.7 + kept * (heights - 0.7),
        "Wasserstein": heights + size * steps,
        "LS-GAN, leaky": heights + size * steps,  # its critic falls uphill
    }.items():
        moved = generator_turn(BenchSettings(family, c=0.7, size=size, steps=steps))
        torch.testing.assert_close(moved[:, 0].double(), expected, atol=1e-4, rtol=0)
        assert torch.equal(moved[:, 1], start[:, 1])  # across the slope nothing pulls
    for family, way in (("cross-entropy", heights.neg()), ("saturating", heights)):
        moved = generator_turn(BenchSettings(family, size=size))
        step = size * torch.sigmoid(way)
        torch.testing.assert_close(moved[:, 0].double(), heights + step, atol=1e-5, rtol=0)


def test_the_best_critic_lets_least_squares_down_and_cross_entropy_not() -> None:
    """Chapter 02: squeezed between a and b, it is flat wherever it is sure."""
    start = batch().fake
    sure = (start[:, 0] < -3) | (start[:, 0] > 0)
    walked = {
        family: (generator_turn(BenchSettings(family, critic="best", size=1.0)) - start).norm(dim=1)
        for family in ("least squares", "cross-entropy", "saturating")
    }
    assert walked["least squares"][sure].max() < 5e-3
    assert walked["saturating"][start[:, 0] < -3].max() < 5e-2
    caught = start[:, 0] < -3
    assert walked["cross-entropy"][caught].min() > 4.9  # 5, the slope of log p/q


def test_the_best_critic_is_the_one_of_two_bells() -> None:
    """(2.4) from the densities themselves."""
    points = torch.stack([torch.linspace(-6, 3, 40), torch.zeros(40)], dim=1).double()
    p, q = (torch.exp(-((points[:, 0] - centre) ** 2) / 2) for centre in (1.0, -4.0))
    best = BenchSettings(critic="best", a=-1.0, b=2.0)
    torch.testing.assert_close(critic_over_plane(best, points), (2 * p - q) / (p + q))
    logits = critic_over_plane(replace(best, family="cross-entropy"), points)
    torch.testing.assert_close(logits, torch.log(p / q))


@pytest.mark.parametrize("steps", [1, 5])
def test_the_critics_turn_on_paper(steps: int) -> None:
    settings = BenchSettings(a=-1.0, b=2.0, size=0.4, steps=steps)
    before, after = scores_before(settings), critic_turn(settings)
    for target, start, end in zip((2.0, -1.0), before, after, strict=True):
        torch.testing.assert_close(end, target + 0.6**steps * (start - target))
    settings = BenchSettings("Wasserstein", size=0.4, steps=steps)
    before, after = scores_before(settings), critic_turn(settings)
    torch.testing.assert_close(after.real - before.real, torch.full((24,), 0.4 * steps))
    torch.testing.assert_close(after.fake - before.fake, torch.full((24,), -0.4 * steps))


def test_a_pair_that_keeps_its_margin_is_left_alone_by_the_hinge_and_by_no_other_slope() -> None:
    settings = BenchSettings("LS-GAN, leaky", margin=1.0, size=0.1)
    before, after = scores_before(settings), critic_turn(settings)
    kept = before.fake - before.real > 1.0
    assert 0 < kept.sum() < 24
    still = (after.real == before.real) & (after.fake == before.fake)
    assert torch.equal(still, kept)
    after = critic_turn(replace(settings, slope=-1.0))  # |a| pulls it back to the margin
    assert (after.fake < before.fake)[kept].all() and (after.real > before.real)[kept].all()


# --- the lab ------------------------------------------------------------------------------------


@pytest.fixture
def shown_live(monkeypatch):
    """Keep what a lab shows instead of sending it to a page."""
    boxes: list[object] = []
    monkeypatch.setattr(lab_module, "show_live", lambda box, sentence: boxes.append(box))
    return boxes


def named(lab: LossBench, text: str):
    """The one control that a reader would call so."""
    (found,) = [c for c in lab.controls() if text in getattr(c, "description", "")]
    return found


def test_a_thousand_random_events(monkeypatch) -> None:
    monkeypatch.setattr(stage, "DOTS_PER_INCH", 30)  # small pictures, for speed
    lab = LossBench()
    events = press_at_random(lab, 1_000, seed=1)
    assert {event.name for event in events} == {c.description for c in lab.controls()}
    # a lab that has seen nothing of this draws the same picture: no artist remembers
    assert LossBench().picture(lab.settings) == bytes(lab.image.value)
    lab.close()


def test_what_a_family_has_no_use_for_is_out_of_sight() -> None:
    lab = LossBench()
    common = {"objective", "share of real at a place", "step size", "steps"}
    common |= {"(a, b, c) = (0, 1, 1)", "(a, b, c) = (−1, 1, 0)"}
    targets = {"a: target for generated", "b: target for real", "c: the generator's aim"}
    plane, margin = {"critic over the plane"}, {"margin of a pair"}
    for family, own in {
        "least squares": targets | plane,
        "cross-entropy": plane,
        "saturating": plane,
        "Wasserstein": set(),
        "LS-GAN, leaky": {"slope of the cost"} | margin,
        "LS-GAN, ELU": {"α: depth of the cost"} | margin,
    }.items():
        named(lab, "objective").value = family
        assert {control.description for _, control in reachable(lab)} == common | own


@pytest.mark.parametrize("family", FAMILIES)
def test_every_control_in_sight_changes_the_picture(family) -> None:
    start = BenchSettings(family, a=-0.5, b=0.8, c=0.3, share=0.7, margin=0.7)
    lab = LossBench(start)
    first = bytes(lab.image.value)
    for place, control in reachable(lab):
        if hasattr(control, "options"):
            change = Event(place, "", "index", len(control.options) - 1 - control.index)
        elif hasattr(control, "max"):
            far = control.max if control.value < control.max else control.min
            change = Event(place, "", "value", far)
        else:
            change = Event(place, "", "press", None)
        apply(lab, change)
        assert bytes(lab.image.value) != first, control.description
        lab._take(start)
        assert bytes(lab.image.value) == first


def test_a_coding_of_the_paper_is_one_press_away() -> None:
    lab = LossBench(BenchSettings("Wasserstein", share=0.3))
    button = named(lab, "(−1, 1, 0)")
    for listener in button._click_handlers.callbacks:
        listener(button)
    assert lab.settings == BenchSettings(a=-1.0, b=1.0, c=0.0, share=0.3)
    assert bytes(lab.image.value) == lab.picture(lab.settings)


def test_equal_targets_are_refused_in_a_sentence_and_nothing_breaks() -> None:
    lab = LossBench()
    before = bytes(lab.image.value)
    named(lab, "a: target").value = 1.0
    said = named_status(lab)
    assert "nothing to tell apart" in said and 'role="status"' in said
    refused = bytes(lab.image.value)
    assert refused == lab.picture(lab.settings) != before
    named(lab, "a: target").value = 0.0
    assert bytes(lab.image.value) == before
    assert "best score is 0.50" in named_status(lab)


def named_status(lab: LossBench) -> str:
    return lab.box.children[-1].value


@few
@given(settings=SETTINGS)
def test_the_sentence_says_what_was_computed(settings: BenchSettings) -> None:
    said, best = words(settings), best_scores(settings)
    if best is None:
        assert "runs away" in said
    elif best[0] == best[1]:
        assert f"best score is {best[0]:.2f}".replace("-", "−") in said
    else:
        assert "is best" in said
    walked = (generator_turn(settings) - batch().fake).norm(dim=1)
    assert f"of 24 points {int((walked < 0.05).sum())} move" in said


def test_the_picture_marks_the_best_score_where_it_is() -> None:
    """The diamond on the slopes: find its black pixels, and read its score off the axis."""
    lab = LossBench(BenchSettings(a=-2.0, b=3.0, share=0.8))  # best: 2.0
    pixels = np.asarray(Image.open(io.BytesIO(lab.image.value)).convert("RGB")).astype(int)
    height, width, _ = pixels.shape
    stage = lab._page.stage
    box = stage.axes[1].get_position()
    rows = slice(int((1 - box.y1) * height) + 2, int((1 - box.y0) * height) - 2)
    columns = slice(int(box.x0 * width) + 2, int(box.x1 * width) - 2)
    dark = pixels[rows, columns].sum(axis=2) < 60
    # a diamond is the only thing 8 dark pixels high at one column
    tall = np.nonzero(dark.sum(axis=0) >= 8)[0]
    x = (tall.mean() + columns.start + 0.5) / width
    score, _ = stage.place_of(x, 0.3, stage.axes[1])
    assert score == pytest.approx(2.0, abs=0.1)


def test_the_strip_is_one_figure_and_the_lab_none(shown_live) -> None:
    plt.close("all")
    lab = LossBench()
    assert plt.get_fignums() == []
    lab.show()
    assert shown_live == [lab.box]
    assert len(plt.gcf().axes) == 8
    plt.close("all")


def test_neither_lab_of_this_kind_needs_widgets_to_draw() -> None:
    code = (
        "import sys; import lsgan_lib.labs.cones.picture as c, lsgan_lib.labs.bench.picture as l;"
        "l.BenchPicture().png(l.BenchSettings()); c.ConePicture().png(c.ConeSettings());"
        "assert 'ipywidgets' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_controls_are_named_and_the_image_has_no_tooltip() -> None:
    lab = LossBench()
    assert lab.image.tooltip is None
    assert all(control.description for control in lab.controls())
    wide = [c for c in lab.controls() if hasattr(c.style, "description_width")]
    assert all(c.style.description_width == "initial" for c in wide)
    assert all(box.layout.flex_flow == "row wrap" for box in lab.box.children[:-2])
