"""The table of slope penalties: its settings, its measures in closed form, its rule, a tiny run."""

import json
import math
from dataclasses import asdict, replace

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from lsgan_lib.data import to_float
from lsgan_lib.errors import BookError
from lsgan_lib.experiments import slope_penalties
from lsgan_lib.experiments.filling import name_of
from lsgan_lib.experiments.slope_penalties import (
    DEFAULT,
    L2_SCALE,
    MARGIN_SCALE,
    SIZE,
    Rule,
    Settings,
    cells,
    course_of,
    critic_measures,
    detail_map,
    drawn_faces,
    judged,
    keys,
    make_table,
    measures,
    recipe_of,
    run_one,
    verdict,
)
from lsgan_lib.experiments.tables import load_pictures, load_table
from lsgan_lib.losses.loss_sensitive import margin
from lsgan_lib.losses.objectives import LossSensitive, Penalty

TINY = Settings(
    images=32, batch_size=8, faces=40, held_back=20, ticks=2, seeds=1, width=0.05, precision="fp32"
)
FACES = to_float(drawn_faces(160).images)
HELD, OTHERS = FACES[:80], FACES[80:]


def judge(samples: torch.Tensor, reach: float = 5.0) -> str:
    return verdict({"finite": True, "reach": reach, "average": measures(samples, HELD)})


# --- the recorded table --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    return load_table("slope_penalties")


def test_the_table_was_made_with_todays_settings_cells_and_rule(table):
    assert table["settings"] == asdict(Settings())
    assert table["rule"] == asdict(Rule())
    assert table["cells"] == json.loads(json.dumps({n: asdict(c) for n, c in cells().items()}))
    assert table["command"] == "python -m lsgan_lib.experiments.slope_penalties"


def test_every_cell_is_there_with_all_its_seeds(table):
    recorded = [name_of({k: row[k] for k in keys(Settings())[0]}) for row in table["runs"]]
    assert recorded == [name_of(key) for key in keys(Settings())]
    assert len(recorded) == len(cells()) * Settings().seeds and Settings().seeds >= 3
    assert table["seconds"] == pytest.approx(sum(row["seconds"] for row in table["runs"]), abs=0.1)


def test_every_row_holds_measures_pictures_and_its_course(table):
    pictures = load_pictures("slope_penalties")
    assert set(pictures) == {name_of(key) for key in keys(Settings())}
    for row in judged(table):
        assert pictures[f"{row['cell']} {row['seed']}"].shape == (8, 3, SIZE, SIZE)
        if row["verdict"] == "not finite":
            assert "not finite" in row["warned"][-1]
            continue
        assert len(row["course"]) == Settings().ticks
        assert row["course"][-1]["images"] == Settings().images
        assert all(0 <= tick["active"] <= 1 for tick in row["course"])
        assert ("penalty" in row["course"][0]) == (
            table["cells"][row["cell"]]["objective"]["penalty"] is not None
        )
        assert row["slope"] >= 0 and row["margin"] > 0 and 0 <= row["active"] <= 1
        assert -1 <= row["average"]["detail"] <= 1


def test_the_real_row_is_that_of_faces(table):
    row = {"finite": True, "reach": 5.0, "average": table["real"]}
    assert verdict(row, Rule(**table["rule"])) == "faces"
    assert table["real"]["detail"] > 0.95 and table["real"]["distance"] < 0.08


# --- cells and recipes ---------------------------------------------------------------------------


def test_the_default_weight_is_the_seeds_times_what_its_norm_takes_away():
    assert DEFAULT == 10 / math.sqrt(SIZE * SIZE)
    assert cells()["sample, power 1, 0.3125"].objective.penalty == Penalty(weight=DEFAULT)


def test_a_key_becomes_networks_objective_and_bounds():
    made = {name_of(key): recipe_of(key, Settings()) for key in keys(Settings())}
    assert len(made) == len(keys(Settings()))
    seeds_form = made["pixel, power 1, 10 2"]
    assert seeds_form.objective == LossSensitive(
        margin_scale=8e-4, penalty=Penalty(weight=10.0, power=1, reduce="pixel")
    )
    both = replace(seeds_form.objective, pairing="all")
    assert made["as published 2"] == replace(seeds_form, objective=both)
    assert seeds_form.seed == 2 and seeds_form.noise == "normal" and seeds_form.watch == "warn"
    bare = made["no penalty 0"]
    assert bare.objective.penalty is None and bare.clip_weights is None and bare.weight_decay == 0
    assert (bare.networks.final_relu, bare.networks.critic_norm) == (False, False)
    assert made["weights clipped to 0.08 0"].clip_weights == 0.08
    assert made["weight decay 5e-05 0"].weight_decay == 5e-5
    assert made["last ReLU 0"].networks.final_relu and made["BatchNorm 0"].networks.critic_norm
    assert made["two points, target 0, 10 0"].objective.penalty.target == 0.0
    named = [name for name in cells() if name.startswith(("sample", "pixel"))]
    assert len(named) == 14  # the sweep over weights, both powers and both norms
    for name in named:
        norm, power, weight = name.split(", ")
        penalty = cells()[name].objective.penalty
        assert (penalty.reduce, f"power {penalty.power}") == (norm, power)
        assert f"{penalty.weight:g}" == weight
    mean = made["margin of the mean, 2e-4 0"].objective
    assert (mean.margin_reduce, mean.margin_scale, mean.norm) == ("pixel", 2e-4, "l1")
    assert made["margin L2 0"].objective.norm == "l2"


def test_the_margin_scale_keeps_the_seeds_margin_at_this_size():
    """The same mean difference of pixels, the same margin, at 64 x 64 x 3 and here."""
    assert MARGIN_SCALE * SIZE**2 == pytest.approx(2e-4 * 64**2)


def test_l2_margins_have_the_mean_of_the_l1_margins_of_faces():
    l1 = margin(HELD, OTHERS, scale=MARGIN_SCALE).mean()
    l2 = margin(HELD, OTHERS, norm="l2", scale=L2_SCALE).mean()
    assert l2.item() == pytest.approx(l1.item(), rel=0.05)


# --- measures, in closed form --------------------------------------------------------------------


def test_a_detail_map_is_zero_where_nothing_changes_and_finds_a_dot():
    flat = torch.full((3, 3, 16, 16), 0.4)
    assert detail_map(flat).abs().max() < 1e-6
    dot = flat.clone()
    dot[:, :, 5, 9] += 1.0
    found = detail_map(dot)
    assert found.argmax() == 5 * 16 + 9
    assert found[5, 9].item() == pytest.approx(1 - 1 / 25, abs=1e-5)
    assert found[5, 10].item() == pytest.approx(1 / 25, abs=1e-5)
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)  # a straight slope has no detail inside
    assert detail_map(ramp)[2:-2, 2:-2].abs().max() < 1e-5


def test_the_distance_of_means_is_that_of_a_shift():
    moved = measures(HELD + 0.1, HELD)
    assert moved["means"] == pytest.approx(0.1 * math.sqrt(3 * SIZE * SIZE), rel=1e-4)
    assert moved["spread"] == pytest.approx(1, abs=1e-6)
    assert moved["detail"] == pytest.approx(1, abs=1e-4)


def test_a_linear_critic_measures_as_worked_by_hand():
    torch.manual_seed(0)
    weight = torch.randn(3, 8, 8)
    critic = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 1), torch.nn.Flatten(0))
    critic[1].weight.data = weight.flatten()[None]
    real, step = torch.randn(6, 3, 8, 8), torch.randn(3, 8, 8)
    objective = LossSensitive(margin_scale=0.5)
    found = critic_measures(critic, real + step, real, objective)
    margin = 0.5 * step.abs().sum().item()
    gap = (weight * step).sum().item()
    assert found["slope"] == pytest.approx(weight.norm().item(), rel=1e-5)
    assert found["margin"] == pytest.approx(margin, rel=1e-5)
    assert found["gap"] == pytest.approx(gap / margin, abs=1e-5)
    assert found["active"] == (1.0 if margin > gap else 0.0)
    assert found["reach"] == pytest.approx((weight.norm() * step.norm()).item() / margin, rel=1e-4)
    assert abs(found["gap"]) <= found["reach"]  # no critic gains more than slope times distance


# --- the rule, on cases that are known -----------------------------------------------------------


def test_real_faces_are_faces():
    assert judge(OTHERS) == "faces"


def test_one_face_over_and_over_has_collapsed():
    assert judge(OTHERS[:1].expand_as(HELD)) == "collapsed"


def test_faces_without_features_are_no_faces_though_their_distance_is_small():
    """Each face as 8 x 8 patches of colour: it stays near in distance, and keeps no detail."""
    blotches = interpolate(avg_pool2d(OTHERS, 4), scale_factor=4, mode="bilinear")
    found, true = measures(blotches, HELD), measures(OTHERS, HELD)
    assert found["distance"] < 2 * true["distance"] and found["spread"] > 0.7
    assert found["detail"] < 0.2 and judge(blotches) == "no faces"


def test_faces_under_noise_are_still_faces():
    random = torch.Generator().manual_seed(0)
    assert judge(OTHERS + 0.3 * torch.randn(OTHERS.shape, generator=random)) == "faces"


def test_noise_is_no_faces():
    random = torch.Generator().manual_seed(0)
    assert judge(torch.rand(HELD.shape, generator=random) * 2 - 1) == "no faces"


def test_a_flat_critic_counts_whatever_the_pictures():
    assert judge(OTHERS, reach=0.19) == "flat" and judge(OTHERS, reach=0.2) == "faces"
    assert verdict({"finite": False}) == "not finite"


def test_a_row_of_the_course_counts_the_gap_in_margins():
    tick = {"images": 64.0, "score_real": -1.0, "score_fake": 0.5, "margin": 3.0}
    tick |= {"active_hinges": 0.25, "generator_gradient": 2.0, "spread": 0.7, "critic_loss": 9.0}
    assert course_of(tick) == {
        **{"images": 64.0, "gap": 0.5, "active": 0.25, "generator_gradient": 2.0, "spread": 0.7}
    }
    assert course_of(tick | {"penalty": 0.123456})["penalty"] == 0.1235


# --- a small run of the whole --------------------------------------------------------------------


def test_a_tiny_table_is_made_resumed_and_not_made_twice(tmp_path, monkeypatch):
    some = [key for key in keys(TINY) if key["cell"] in ("sample, power 1, 10", "BatchNorm")]
    assert len(some) == 2
    monkeypatch.setattr(slope_penalties, "keys", lambda settings: some)
    out, real, ran = tmp_path / "tiny.json", run_one, []

    def stopped(key, settings, data):
        ran.append(key["cell"])
        if len(ran) == 2:
            raise KeyboardInterrupt
        return real(key, settings, data)

    monkeypatch.setattr(slope_penalties, "run_one", stopped)
    with pytest.raises(KeyboardInterrupt):
        make_table(out, TINY)
    assert len(json.loads(out.read_text())["runs"]) == 1
    table = make_table(out, TINY)
    assert ran == [some[0]["cell"], some[1]["cell"], some[1]["cell"]]
    make_table(out, TINY)
    assert len(ran) == 3  # what is there is not run again
    first = table["runs"][0]
    assert first["finite"] and len(first["course"]) == 2
    assert {"slope", "gap", "active", "reach", "last", "average"} <= first.keys()
    assert {row["verdict"] for row in judged(table)} <= {"flat", "collapsed", "no faces", "faces"}
    with pytest.raises(BookError, match="images differ"):
        make_table(out, replace(TINY, images=40))


def test_a_run_that_ends_in_no_numbers_is_recorded_as_such():
    key = {"cell": "no penalty", "seed": 0}
    wild = replace(TINY, critic_lr=1e30, generator_lr=1e30, images=160, ticks=20)
    row, pictures = run_one(key, wild, drawn_faces(60))
    assert row["finite"] is False and "not finite" in row["warned"][-1]
    assert pictures.shape == (8, 3, SIZE, SIZE) and verdict(row) == "not finite"
