"""Counting modes, densities of points, intervals, and the two tables of chapter 05."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from lsgan_lib.data import Mixture, grid, ring, seed_ring
from lsgan_lib.errors import BookError
from lsgan_lib.evaluation.intervals import mean_interval
from lsgan_lib.evaluation.modes import count_modes, smoothed
from lsgan_lib.experiments import modes, ring_strips
from lsgan_lib.experiments.tables import load_pictures, load_table
from lsgan_lib.losses.objectives import CrossEntropy, LeastSquares
from lsgan_lib.networks.mlp import MLPNetworks
from lsgan_lib.training.many_seeds import PointSettings

TINY = PointSettings(networks=MLPNetworks(z_dim=3, hidden=4), steps=2, batch_size=4)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# --- counting ------------------------------------------------------------------------------------


def test_a_tiny_case_by_hand():
    """Five points around two centres, std 1: two near the first, one near the second, two lost."""
    pair = Mixture(torch.tensor([[0.0, 0.0], [10.0, 0.0]]), torch.tensor([0.5, 0.5]), 1.0)
    points = torch.tensor([[0.0, 0.0], [0.0, 2.9], [10.0, 1.0], [0.0, 3.1], [5.0, 0.0]])
    count = count_modes(points, pair)
    assert count.counts.tolist() == [2, 1]
    assert count.modes == 2
    assert count.high_quality == pytest.approx(3 / 5)
    by_hand = 2 / 3 * math.log((2 / 3) / 0.5) + 1 / 3 * math.log((1 / 3) / 0.5)
    assert count.reverse_kl == pytest.approx(by_hand)
    assert count_modes(points, pair, within=3.2).counts.tolist() == [3, 1]


@pytest.mark.parametrize("mixture", [ring(), seed_ring(), grid()], ids=["ring", "seed", "grid"])
def test_true_data_count_as_the_theory_says(mixture):
    """|x - centre|^2 / std^2 is chi-squared with 2 degrees: P(< 9) = 1 - exp(-9/2)."""
    count = count_modes(mixture.sample(200_000, seeded()), mixture)
    share = 1 - math.exp(-4.5)
    assert count.modes == len(mixture.centres)
    assert count.high_quality == pytest.approx(share, abs=4 * math.sqrt(share / 90 / 200_000))
    # 2 N KL is chi-squared with K - 1 degrees (Wilks): mean K - 1, variance 2 (K - 1).
    free = len(mixture.centres) - 1
    found = 2 * count.counts.sum().item() * count.reverse_kl
    assert abs(found - free) < 5 * math.sqrt(2 * free)


def test_one_mode_of_k_costs_log_k():
    for mixture in (ring(), grid()):
        centre = mixture.centres[3]
        count = count_modes(centre.repeat(50, 1), mixture)
        assert count.modes == 1
        assert count.reverse_kl == pytest.approx(math.log(len(mixture.centres)), abs=1e-5)


def test_equal_shares_are_wrong_on_the_ring_with_a_double_weight():
    """Eight equal shares: KL = sum 1/8 log(1/8 / w), with w = 2/9 once and 1/9 seven times.

    And data of the seed's ring, marked with equal weights, look imperfect though they are the data.
    """
    target = seed_ring()
    count = count_modes(target.centres.repeat(10, 1), target)
    by_hand = math.log(9 / 8) - math.log(2) / 8
    assert count.reverse_kl == pytest.approx(by_hand, abs=1e-6)
    true = count_modes(target.sample(100_000, seeded()), target)
    wrong = dataclasses.replace(true, weights=torch.full((8,), 1 / 8))
    assert true.reverse_kl < 2e-4
    expected = 2 / 9 * math.log(16 / 9) + 7 / 9 * math.log(8 / 9)
    assert wrong.reverse_kl == pytest.approx(expected, abs=0.003)


def test_samples_without_quality_have_no_distribution_over_modes():
    for lost in (torch.full((10, 2), 0.5), torch.full((10, 2), torch.nan)):
        count = count_modes(lost, ring())
        assert (count.modes, count.high_quality) == (0, 0.0)
        assert math.isnan(count.reverse_kl)
        assert modes.numbers(count)["reverse_kl"] is None


def test_the_count_does_not_depend_on_order_or_on_a_common_turn():
    mixture = ring(std=0.1)
    points = 0.9 * mixture.sample(500, seeded())
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    turned = dataclasses.replace(mixture, centres=mixture.centres @ turn)
    first = count_modes(points, mixture)
    assert torch.equal(first.counts, count_modes(points.flip(0), mixture).counts)
    assert (first.counts - count_modes(points @ turn, turned).counts).abs().max() <= 1  # rounding


@pytest.mark.parametrize("points", [torch.zeros(3), torch.zeros(4, 3), torch.zeros(0, 2)])
def test_points_of_another_shape_are_refused(points):
    with pytest.raises(ValueError, match=r"points must be \(N, 2\)"):
        count_modes(points, ring())


def test_a_distance_that_accepts_nothing_is_refused():
    with pytest.raises(ValueError, match="must be positive"):
        count_modes(torch.zeros(3, 2), ring(), within=0.0)


# --- densities -----------------------------------------------------------------------------------


def test_a_smoothed_density_integrates_to_one_and_peaks_at_the_point():
    points = torch.tensor([[0.5, -0.25]])
    density = smoothed(points, 0.2, span=2.0, cells=161)
    cell = 4 / 160
    assert density.sum().item() * cell**2 == pytest.approx(1, abs=1e-3)
    row, column = divmod(density.argmax().item(), 161)
    assert (-2 + column * cell, -2 + row * cell) == pytest.approx((0.5, -0.25))
    assert density.max().item() == pytest.approx(1 / (2 * math.pi * 0.04), rel=1e-3)


def test_a_smoothed_mixture_is_the_mixture_with_a_wider_bump():
    """A Gaussian of std s smoothed with width h is one of std sqrt(s^2 + h^2)."""
    mixture, width = ring(std=0.3), 0.4
    found = smoothed(mixture.sample(40_000, seeded()), width, span=2.0, cells=21)
    wider = dataclasses.replace(mixture, std=0.5)
    line = torch.linspace(-2, 2, 21)
    y, x = torch.meshgrid(line, line, indexing="ij")
    truth = wider.log_density(torch.stack([x, y], dim=-1).reshape(-1, 2)).exp().reshape(21, 21)
    torch.testing.assert_close(found, truth, atol=0.006, rtol=0)


def test_scotts_rule_is_the_default_width():
    points = seed_ring().sample(5_120, seeded())
    width = 5_120 ** (-1 / 6) * points.std(dim=0).mean().item()
    torch.testing.assert_close(smoothed(points, None, span=2), smoothed(points, width, span=2))


# --- intervals -----------------------------------------------------------------------------------


def test_an_interval_agrees_with_the_normal_theory_for_many_values():
    values = np.random.default_rng(1).normal(3, 2, size=400)
    mean, low, high = mean_interval(values)
    half = 1.96 * values.std() / math.sqrt(400)
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.02)


def test_an_interval_of_ten_values_holds_the_truth_in_about_nine_cases_of_ten():
    random = np.random.default_rng(2)
    held = 0
    for _ in range(300):
        _, low, high = mean_interval(random.normal(size=10), resamples=500)
        held += low < 0 < high
    assert 0.85 < held / 300 < 0.96


def test_an_interval_stays_within_the_values_and_refuses_too_few():
    assert mean_interval([8, 8, 8]) == (8, 8, 8)
    _, low, high = mean_interval([0, 0, 0, 1])
    assert low == 0 and high <= 1
    with pytest.raises(ValueError, match="at least two"):
        mean_interval([3.0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_interval([3.0, 4.0], level=95)


def test_seed_dots_draws_every_seed_and_the_interval_of_the_mean():
    from matplotlib.figure import Figure

    from lsgan_lib.figures import seed_dots

    ax = Figure().subplots()
    groups = {"a": [1.0, 2.0, 6.0], "b": [4.0, math.nan, 5.0]}
    seed_dots(ax, groups)
    dots = [path.get_offsets()[:, 1].tolist() for path in ax.collections[::2]]
    assert dots == [[1.0, 2.0, 6.0], [4.0, 5.0]]
    for bar, values in zip(ax.collections[1::2], ([1, 2, 6], [4, 5]), strict=True):
        _, low, high = mean_interval(values)
        assert bar.get_segments()[0][:, 1] == pytest.approx([low, high])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]


# --- the tables ----------------------------------------------------------------------------------


def test_the_table_is_filled_and_not_made_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(modes, "CELLS", modes.CELLS[:2])
    settings = modes.Settings(points=TINY, seeds=3, every=1, kept=5)
    out = tmp_path / "modes.json"
    table = modes.make_table(out, settings, workers=1)
    assert [len(cell["counts"]) for cell in table["cells"]] == [3, 3]
    assert all(len(look) == 3 for cell in table["cells"] for look in cell["counts"])
    with np.load(out.with_suffix(".npz")) as points:
        assert {name: p.shape for name, p in points.items()} == {
            f"{mixture} {objective}": (3, 5, 2) for mixture, objective in modes.CELLS
        }
    monkeypatch.setattr(modes, "run_cells", None)  # would fail if it were called
    assert modes.make_table(out, settings, workers=1) == table
    other = dataclasses.replace(settings, seeds=4)
    with pytest.raises(BookError, match="other settings"):
        modes.make_table(out, other, workers=1)


def test_an_interrupted_table_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(modes, "CELLS", modes.CELLS[:2])
    settings = modes.Settings(points=TINY, seeds=2, every=2, kept=2)
    out, run_parts = tmp_path / "modes.json", modes.run_parts

    def one_part_then_stop(keys, settings, workers):
        yield modes.run_cells(keys[:1], settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(modes, "run_parts", one_part_then_stop)
    with pytest.raises(KeyboardInterrupt):
        modes.make_table(out, settings, workers=1)
    (first,) = json.loads(out.read_text())["cells"]
    monkeypatch.setattr(modes, "run_parts", run_parts)
    whole = modes.make_table(out, settings, workers=1)["cells"]
    assert len(whole) == 2 and whole[0] == first
    alone = modes.run_cells(modes.CELLS[1:], settings)[0][0]
    assert whole[1]["counts"] == alone["counts"]


@pytest.mark.slow
def test_two_workers_make_the_same_table(tmp_path):
    settings = modes.Settings(points=TINY, seeds=2, every=2, kept=2)
    tables = [modes.make_table(tmp_path / f"{w}.json", settings, workers=w) for w in (1, 2)]
    for one, other in zip(tables[0]["cells"], tables[1]["cells"], strict=True):
        assert (one["mixture"], one["objective"]) == (other["mixture"], other["objective"])
        assert one["counts"] == other["counts"]


def test_strips_are_kept_as_they_are_counted_and_go_on_after_a_stop(tmp_path, monkeypatch):
    monkeypatch.setattr(ring_strips, "OBJECTIVES", {"cross-entropy": CrossEntropy()})
    monkeypatch.setattr(ring_strips, "SAMPLES", 6)
    settings = ring_strips.Settings(points=TINY, seeds=2, every=1, kept=9)
    out, stopped = tmp_path / "strips.json", tmp_path / "stopped.json"
    table = ring_strips.make_table(out, settings)
    (row,) = table["runs"]
    with np.load(out.with_suffix(".npz")) as kept:
        points = torch.tensor(kept["cross-entropy"])
    assert points.shape == (3, 2, 9, 2) and row["steps"] == [0, 1, 2]
    again = modes.numbers(count_modes(points[1, 0, :6].float(), seed_ring()))
    assert row["counts"][1][0] == again

    step = ring_strips.ManySeeds.step

    def stop_in_the_second(runs):
        if runs.done == 1:
            raise KeyboardInterrupt
        step(runs)

    monkeypatch.setattr(ring_strips.ManySeeds, "step", stop_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        ring_strips.make_table(stopped, settings)
    assert not stopped.exists()
    with pytest.raises(BookError, match="other settings"):
        ring_strips.make_table(stopped, dataclasses.replace(settings, kept=8))
    monkeypatch.setattr(ring_strips.ManySeeds, "step", step)
    assert ring_strips.make_table(stopped, settings)["runs"] == [row]
    with np.load(stopped.with_suffix(".npz")) as kept:
        assert torch.equal(torch.tensor(kept["cross-entropy"]), points)
    assert sorted(p.name for p in tmp_path.glob("stopped*")) == ["stopped.json", "stopped.npz"]
    with pytest.raises(BookError, match="other settings"):
        ring_strips.make_table(out, dataclasses.replace(settings, kept=8))


@pytest.mark.parametrize("module", [modes, ring_strips], ids=["modes", "ring_strips"])
def test_the_recorded_table_has_todays_settings(module):
    """Change a setting, and the table must be recorded again."""
    recorded = load_table(module.NAME)
    today = json.loads(json.dumps(dataclasses.asdict(module.Settings())))
    assert recorded["settings"] == today
    assert recorded["command"] == f"python -m lsgan_lib.experiments.{module.NAME}"


def test_the_mode_table_is_whole_and_cheap_enough():
    table = load_table("modes")
    assert [(cell["mixture"], cell["objective"]) for cell in table["cells"]] == modes.CELLS
    for cell in table["cells"]:
        assert len(cell["counts"][-1]) >= 10
    assert table["seconds"] <= 2 * 15 * 60  # of CPU: a quarter of an hour on two cores
    points = load_pictures("modes")
    for cell in table["cells"]:  # the kept points are those of the last count
        name, last = f"{cell['mixture']} {cell['objective']}", cell["counts"][-1]
        assert points[name].shape[0] == len(last)


def test_the_strips_have_the_authors_settings_but_for_the_batch():
    """Read in xudonmao/LSGAN, stability_comparison/mixture_gaussian/ls.py and sig.py."""
    settings = ring_strips.Settings()
    assert PointSettings() == dataclasses.replace(settings.points, batch_size=512)
    assert (settings.points.steps, settings.points.beta1, settings.every) == (35_000, 0.5, 5_000)
    assert (settings.points.critic_lr, settings.points.generator_lr) == (1e-4, 1e-3)
    networks = settings.points.networks
    assert (networks.z_dim, networks.hidden, networks.depth) == (256, 128, 2)
    assert (networks.activation, networks.gain) == ("tanh", 1.4)
    assert ring_strips.OBJECTIVES["least squares (0,1,1)"] == LeastSquares(a=0, b=1, c=1)
    with np.load(ring_strips.table_path(ring_strips.NAME).with_suffix(".npz")) as kept:
        for row in load_table("ring_strips")["runs"]:
            points = torch.tensor(kept[row["objective"]])
            assert points.shape[:2] == (len(row["steps"]), settings.seeds)
            last = points[-1, 0, : modes.SAMPLES].float()
            assert modes.numbers(count_modes(last, seed_ring())) == row["counts"][-1][0]
