"""The table of costs and bounds, its critic, and the best critics of other costs than the hinge."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lsgan_lib.errors import BookError
from lsgan_lib.evaluation.cones import best_critics, distances
from lsgan_lib.evaluation.sloped_cones import best_sloped_critics, sloped_objective
from lsgan_lib.experiments import slopes
from lsgan_lib.experiments.tables import load_pictures, load_table
from lsgan_lib.losses.objectives import LossSensitive
from lsgan_lib.networks.almost_orthogonal import (
    AlmostOrthogonalNetworks,
    almost_orthogonal,
    sorted_in_pairs,
)
from lsgan_lib.training.many_seeds import PointSettings

fast = settings(deadline=None, derandomize=True, max_examples=25)
TINY = slopes.Settings(
    points=PointSettings(networks=AlmostOrthogonalNetworks(hidden=8), steps=6, batch_size=16),
    kappas=(0.5, 8.0),
    seeds=2,
    every=3,
    pairs=40,
    kept=7,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# --- the critic ----------------------------------------------------------------------------------


@fast
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 999), st.floats(0.01, 50))
def test_a_rescaled_matrix_stretches_nothing(rows, columns, seed, size):
    weight = size * torch.randn(rows, columns, generator=seeded(seed), dtype=torch.float64)
    assert torch.linalg.matrix_norm(almost_orthogonal(weight), 2) <= 1 + 1e-9


def test_an_orthogonal_matrix_is_left_alone_and_zeros_do_not_divide():
    turn = torch.linalg.qr(torch.randn(6, 6, generator=seeded(), dtype=torch.float64)).Q
    torch.testing.assert_close(almost_orthogonal(turn), turn)
    assert torch.equal(almost_orthogonal(torch.zeros(3, 2)), torch.zeros(3, 2))


def test_sorting_in_pairs_by_hand():
    x = torch.tensor([[1.0, 5.0, 4.0, 3.0]])
    assert sorted_in_pairs(x).tolist() == [[5.0, 4.0, 1.0, 3.0]]


@pytest.mark.parametrize("kappa", [0.3, 1.0, 4.0])
def test_a_critic_keeps_its_bound_after_any_training(kappa):
    critic = AlmostOrthogonalNetworks(kappa=kappa, hidden=16).critic(seeded(1))
    adam = torch.optim.Adam(critic.parameters(), lr=0.05)
    points = torch.randn(64, 2, generator=seeded(2))
    far = torch.tensor([3.0, 0.0])
    for _ in range(60):  # a Wasserstein critic: as steep as it can
        adam.zero_grad()
        (critic(points).mean() - critic(points + far).mean()).backward()
        adam.step()
    places = points.requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(places).sum(), places)
    steepest = gradient.norm(dim=1).max().item()
    assert 0.8 * kappa < steepest <= kappa * (1 + 1e-5)


@pytest.mark.parametrize(("field", "value"), [("kappa", 0.0), ("hidden", 7), ("depth", 0)])
def test_settings_without_sense_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        AlmostOrthogonalNetworks(**{field: value})


# --- the best critics of a cost -------------------------------------------------------------------


def clouds(seed, n=4, m=3):
    random = seeded(seed)
    return torch.randn(n, 2, generator=random), torch.randn(m, 2, generator=random) + 1


@fast
@given(st.integers(0, 999), st.sampled_from([0.5, 1.5, 4.0]))
def test_slope_zero_is_the_hinge(seed, kappa):
    x, y = clouds(seed)
    hinge = best_critics(x, y, kappa=kappa, lam=2.0, norm="l2")
    sloped = best_sloped_critics(x, y, kappa=kappa, slope=0.0, lam=2.0, norm="l2")
    assert sloped.value == pytest.approx(hinge.value, abs=1e-7)
    torch.testing.assert_close(sloped.least, hinge.least, atol=1e-5, rtol=0)
    torch.testing.assert_close(sloped.greatest, hinge.greatest, atol=1e-5, rtol=0)


@fast
@given(st.integers(0, 999), st.floats(-2, 1), st.sampled_from([0.5, 1.5, 4.0]))
def test_both_ends_minimise_and_no_critic_of_the_slope_does_better(seed, slope, kappa):
    x, y = clouds(seed)
    best = best_sloped_critics(x, y, kappa=kappa, slope=slope, norm="l2")
    margins = distances(best.real, best.fake, norm="l2")
    apart = kappa * distances(best.points, best.points, norm="l2")
    for values in (best.least, best.greatest):
        found = sloped_objective(values[:4], values[4:], margins, lam=1.0, slope=slope)
        assert found.item() == pytest.approx(best.value, abs=1e-6)
        assert ((values[:, None] - values[None, :]).abs() <= apart + 1e-6).all()
    random = seeded(seed + 1)
    for _ in range(20):  # pushed about and brought back under the bound: none is better
        moved = best.least + 0.3 * torch.randn(7, generator=random, dtype=torch.float64)
        values = (moved[None, :] + apart).amin(dim=1).clamp_min(0)
        other = sloped_objective(values[:4], values[4:], margins, lam=1.0, slope=slope)
        assert other >= best.value - 1e-7


@fast
@given(st.integers(0, 999), st.sampled_from([0.01, 0.3, 1.0]), st.sampled_from([0.7, 3.0, 8.0]))
def test_with_a_slope_above_zero_every_generated_point_has_a_steepest_line(seed, slope, kappa):
    """(10.6), for the least values."""
    x, y = clouds(seed)
    best = best_sloped_critics(x, y, kappa=kappa, slope=slope, norm="l2")
    apart = distances(best.fake, best.points, norm="l2")
    slack = kappa * apart - (best.least[4:, None] - best.least[None, :])
    slack = slack + 1e3 * (apart == 0)
    assert slack.amin(dim=1).max() < 1e-4


@pytest.mark.parametrize(
    ("settings_", "said"), [({"slope": 1.5}, "slope is 1.5"), ({"kappa": 0.0}, "must be positive")]
)
def test_a_cost_or_bound_without_a_minimum_is_refused(settings_, said):
    with pytest.raises(ValueError, match=said):
        best_sloped_critics(*clouds(0), **{"kappa": 1.0, "slope": 0.0} | settings_)


# --- the experiment -------------------------------------------------------------------------------


def test_below_slope_one_all_costs_are_one_run_to_the_last_digit():
    runs = {cost: slopes.run_cost(cost, TINY) for cost in ("-1", "0", "1", "elu")}
    first, points = runs["0"]
    for cost, (row, others) in runs.items():
        assert np.array_equal(points[0], others[0]), cost
        assert row["cells"][0] == first["cells"][0]
    assert not np.array_equal(points[1], runs["-1"][1][1])  # kappa 8
    assert points.shape == (2, 2, 7, 2)
    assert first["steps"] == [0, 3, 6]
    for cell, kappa in zip(first["cells"], TINY.kappas, strict=True):
        assert cell["kappa"] == kappa
        assert all(np.shape(cell[measure]) == (3, 2) for measure in slopes.MEASURES)
        assert np.max(cell["slope"]) <= kappa + 1e-3
    assert np.min(first["cells"][0]["active"]) == 1


def test_the_margin_is_the_distance_in_units_of_kappa():
    assert slopes.objective_of("elu", 4.0) == LossSensitive(
        cost="elu", norm="l2", margin_scale=0.25, penalty=None
    )
    row, _ = slopes.run_cost("0", TINY)
    flat, steep = row["cells"]
    assert np.array(flat["margin"][0]) == pytest.approx(16 * np.array(steep["margin"][0]), rel=2e-3)


def test_a_table_goes_on_and_is_not_mixed(tmp_path, monkeypatch):
    out = tmp_path / "slopes.json"
    monkeypatch.setattr(slopes, "COSTS", {"0": {"slope": 0.0}})
    slopes.make_table(out, TINY)
    monkeypatch.setattr(slopes, "COSTS", {"0": {"slope": 0.0}, "1": {"slope": 1.0}})
    asked = []
    real = slopes.run_cost
    monkeypatch.setattr(slopes, "run_cost", lambda cost, s: asked.append(cost) or real(cost, s))
    table = slopes.make_table(out, TINY)
    assert asked == ["1"] and [row["cost"] for row in table["runs"]] == ["0", "1"]
    assert slopes.last_counts(json.loads(out.read_text()), "modes").shape == (2, 2, 2)
    with pytest.raises(BookError, match="other settings"):
        slopes.make_table(out, dataclasses.replace(TINY, seeds=3))


# --- the recorded table ---------------------------------------------------------------------------


def test_the_recorded_table_is_of_todays_settings_and_complete():
    table, now = load_table("slopes"), slopes.Settings()
    assert table["settings"] == {**dataclasses.asdict(now), "kappas": list(now.kappas)}
    assert [row["cost"] for row in table["runs"]] == list(slopes.COSTS)
    looks = now.points.steps // now.every + 1
    for row in table["runs"]:
        assert [cell["kappa"] for cell in row["cells"]] == list(now.kappas)
        assert row["steps"][-1] == now.points.steps and len(row["steps"]) == looks
        for cell in row["cells"]:
            for measure in slopes.MEASURES:
                values = np.array(cell[measure])
                assert values.shape == (looks, now.seeds) and np.isfinite(values).all()
            assert 0 <= np.min(cell["modes"]) and np.max(cell["modes"]) <= 8
            assert np.max(cell["slope"]) <= cell["kappa"] * 1.001
    kept = load_pictures("slopes")
    assert set(kept) == set(slopes.COSTS)
    for points in kept.values():
        assert points.shape == (len(now.kappas), now.seeds, now.kept, 2)


def test_recorded_runs_below_slope_one_are_one_method():
    table, kept = load_table("slopes"), load_pictures("slopes")
    first = table["runs"][0]["cells"][0]
    for row in table["runs"]:
        assert row["cells"][0] == first
        assert np.array_equal(kept[row["cost"]][0], kept["-1"][0])
        assert np.min(row["cells"][0]["active"]) == 1
