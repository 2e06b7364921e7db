"""The table of chapter 09: its settings, a tiny real run, numbers that are none, stop and go on."""

import json
import multiprocessing
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from lsgan_lib.data import make_set, to_float, write_set
from lsgan_lib.errors import BookError
from lsgan_lib.experiments import convergence
from lsgan_lib.experiments.ahead import ahead
from lsgan_lib.experiments.convergence import (
    HEAVY,
    WEIGHT,
    Settings,
    cells,
    course,
    keys,
    make_table,
    measured,
    recipe_of,
    run_one,
)
from lsgan_lib.experiments.tables import load_pictures, load_table
from lsgan_lib.losses import penalties
from lsgan_lib.losses.objectives import CrossEntropy, LeastSquares, LossSensitive, Wasserstein
from lsgan_lib.training import RECIPES
from lsgan_lib.training.distance import sliced_wasserstein

CPU = torch.device("cpu")
_RANDOM = torch.Generator().manual_seed(0)
COLOURS = make_set(
    torch.randint(0, 256, (40, 3, 64, 64), generator=_RANDOM, dtype=torch.uint8), name="colours"
)
TINY = Settings(
    data="colours",
    moments=(8, 24),
    batch_size=8,
    width=1e-3,
    held_back=10,
    detected=3,
    shown=2,
    seeds=1,
    precision="fp32",
)


# --- the recorded table ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    return load_table("convergence")


def test_the_table_was_made_with_todays_settings_and_cells(table):
    today = json.loads(json.dumps({name: asdict(cell) for name, cell in cells().items()}))
    assert table["cells"] == today
    assert table["settings"] == json.loads(json.dumps(asdict(Settings())))
    assert [(row["cell"], row["seed"]) for row in table["runs"]] == [
        (key["cell"], key["seed"]) for key in keys(Settings())
    ]
    assert table["seconds"] == pytest.approx(sum(row["seconds"] for row in table["runs"]))


def test_every_recorded_run_was_judged_at_every_moment_or_says_that_it_could_not(table):
    settings = Settings()
    for row in table["runs"]:
        step = settings.batch_size * cells()[row["cell"]].critic_steps
        due = [-(-moment // step) * step for moment in settings.moments]
        seen = [judged["images"] for judged in row["judged"]]
        assert seen == (due if row["finite"] else due[: len(seen)]), row["cell"]
        for judged in row["judged"]:
            assert 0 <= judged["faces"] <= 1
            # The share of 250 pictures, to four digits.
            assert judged["faces"] * settings.detected == pytest.approx(
                round(judged["faces"] * settings.detected), abs=0.02
            )
            assert judged["distance"] > table["real"]["distance"] * 0.9 and judged["spread"] > 0
        numbers = [value for tick in row["course"] for value in tick.values()]
        assert np.isfinite(numbers).all() and len(row["course"]) == 40


def test_the_pictures_are_of_the_first_seed(table):
    kept, settings = load_pictures("convergence"), Settings()
    for row in table["runs"]:
        pictures = kept[f"{row['cell']} {row['seed']}"]
        count = settings.shown if row["seed"] == 0 and row["finite"] else 0
        assert pictures.shape == (count, 3, 64, 64) and pictures.dtype == np.uint8


def test_a_table_is_read_cell_by_cell_and_a_run_that_ended_leaves_a_gap():
    judged = [{"images": 8, "faces": 0.5}, {"images": 16, "faces": 0.75}]
    logs = [[{"images": 4, "score_real": 1.0}, {"images": 8, "score_real": 3.0}]] * 2
    made = {
        "settings": {"moments": [8, 16]},
        "cells": {"a": {}, "b": {}},
        "runs": [
            {"cell": "a", "judged": judged, "course": logs[0]},
            {"cell": "b", "judged": [], "course": []},
            {"cell": "a", "judged": judged[:1], "course": logs[1]},
        ],
    }
    np.testing.assert_equal(measured(made, "a", "faces"), [[0.5, 0.75], [0.5, np.nan]])
    np.testing.assert_equal(course(made, "a", "score_real"), [[1, 3], [1, 3]])
    made["runs"][0]["course"] = logs[0][:1]
    with pytest.raises(ValueError):
        course(made, "a", "score_real")
    with pytest.raises(KeyError, match="there are a, b"):
        measured(made, "c", "faces")


# --- the cells ------------------------------------------------------------------------------------


def test_all_runs_share_networks_rates_and_noise_and_differ_only_where_a_cell_says_so():
    base = recipe_of({"cell": "LS-GAN", "seed": 0}, Settings())
    for key in keys(Settings()):
        cell, recipe = cells()[key["cell"]], recipe_of(key, Settings())
        networks = replace(
            base.networks, critic_norm=cell.critic_norm, generator_norm=cell.generator_norm
        )
        assert recipe == replace(
            base,
            networks=networks,
            objective=cell.objective,
            critic_steps=cell.critic_steps,
            seed=key["seed"],
        )


def test_the_base_is_the_recorded_run_but_for_flips_length_and_what_is_written():
    ours = recipe_of({"cell": "LS-GAN", "seed": 0}, Settings())
    seeds = RECIPES["faces-loss-sensitive"]
    assert isinstance(seeds.objective, LossSensitive) and seeds.objective.penalty is not None
    penalty = replace(seeds.objective.penalty, weight=WEIGHT)  # 0.16 is 10/64, rounded
    assert ours == replace(
        seeds,
        objective=replace(seeds.objective, penalty=penalty),
        flip=True,
        images=ours.images,
        tick=ours.tick,
        samples_every=ours.samples_every,
        state_every=ours.state_every,
        sample_count=ours.sample_count,
        watch="warn",
    )


def test_the_weight_is_the_least_that_the_seeds_form_leaves_of_its_ten():
    """A gradient of one length at every pixel: there the two norms differ by exactly sqrt(H W)."""

    def critic(images):
        return (images + images**2).sum(dim=(1, 2, 3))  # at nought its gradient is 1 everywhere

    images = torch.zeros(2, 3, 64, 64)
    pixel = penalties.gradient_norm(critic, images, reduce="pixel")
    sample = penalties.gradient_norm(critic, images)
    assert (10 * pixel).item() == pytest.approx((WEIGHT * sample).item(), rel=1e-5)
    assert pytest.approx(10 * WEIGHT) == HEAVY


def test_the_cells_are_what_their_names_say():
    made = cells()
    for name, cell in made.items():
        objective = cell.objective
        kind = {
            "LS-GAN": LossSensitive,
            "slope": LossSensitive,
            "LSGAN": LeastSquares,
            "cross-entropy": CrossEntropy,
            "DCGAN": CrossEntropy,
            "WGAN-GP": Wasserstein,
        }[name.split(",")[0].split(" ")[0]]
        assert type(objective) is kind
        assert cell.critic_steps == (int(name[-7]) if name.endswith("turns") else 1)
        assert cell.generator_norm != name.endswith("bare generator")
        assert cell.critic_norm == (name.startswith("DCGAN") or name.endswith("with BatchNorm"))
        if isinstance(objective, LossSensitive) and objective.penalty is not None:
            heavy = "x 10" in name or name.startswith("slope")
            assert (objective.penalty.weight == HEAVY) == heavy
            assert objective.slope == (float(name[6:]) if name.startswith("slope") else 0)
            assert objective.pairing == ("all" if "published" in name else "own")


# --- a small run of the whole ---------------------------------------------------------------------


def test_a_run_is_judged_by_faces_that_it_never_saw():
    key = {"cell": "LS-GAN, 3 turns", "seed": 0}
    row, pictures = run_one(key, TINY, COLOURS, CPU)
    assert row["finite"] and [judged["images"] for judged in row["judged"]] == [24, 24]
    assert pictures.shape == (2, 3, 64, 64)
    # Other held-back faces: the same run, another verdict. Other faces shown: another run.
    changed = COLOURS.images.clone()
    changed[-TINY.held_back :] = 255 - changed[-TINY.held_back :] // 2
    other, same = run_one(key, TINY, make_set(changed, name="other"), CPU)
    assert np.array_equal(same, pictures) and other["course"] == row["course"]
    assert other["judged"][0]["distance"] != row["judged"][0]["distance"]
    changed = COLOURS.images.clone()
    changed[: -TINY.held_back] = 255
    assert not np.array_equal(run_one(key, TINY, make_set(changed, name="b"), CPU)[1], pictures)


def test_what_is_measured_of_a_run_is_what_its_averaged_generator_draws(monkeypatch):
    drawn = []
    found = convergence.faces_found
    monkeypatch.setattr(convergence, "faces_found", lambda x: drawn.append(x) or found(x))
    row, _ = run_one({"cell": "WGAN-GP", "seed": 1}, TINY, COLOURS, CPU)
    assert [len(images) for images in drawn] == [TINY.detected] * 2
    assert [judged["faces"] for judged in row["judged"]] == [0, 0]  # noise is no face
    held = to_float(COLOURS.images[-10:])
    assert row["judged"][1]["distance"] > sliced_wasserstein(held, held)
    assert 0 <= row["judged"][1]["spread"] < 0.1  # three steps
    assert set(row["course"][0]) == {"images", *convergence.COURSE} - {"active_hinges"}


def test_a_run_whose_numbers_are_none_ends_and_keeps_what_came_before():
    settings = replace(TINY, lr=1e30, moments=(8, 160))
    row, pictures = run_one({"cell": "LSGAN", "seed": 0}, settings, COLOURS, CPU)
    assert row["finite"] is False and len(row["judged"]) <= 1 and len(pictures) == 0
    text = json.dumps(row, allow_nan=False)  # no row of the course is without a number
    assert json.loads(text)["course"] == row["course"]


@pytest.fixture
def two_cells(tmp_path, monkeypatch):
    """A set on disk, and two runs of it."""
    write_set(tmp_path / "colours", COLOURS)
    settings = replace(TINY, data=str(tmp_path / "colours"))
    two = keys(TINY)[:2]
    monkeypatch.setattr(convergence, "keys", lambda settings: two)
    return tmp_path / "table.json", settings


def test_an_interrupted_table_goes_on_and_is_not_mixed(two_cells, monkeypatch):
    out, settings = two_cells
    real, ran = convergence.run_one, []

    def stopped(key, *rest):
        ran.append(key["cell"])
        if len(ran) == 2:
            raise KeyboardInterrupt
        return real(key, *rest)

    monkeypatch.setattr(convergence, "run_one", stopped)
    with pytest.raises(KeyboardInterrupt):
        make_table(out, settings, device="cpu")
    assert len(json.loads(out.read_text())["runs"]) == 1
    table = make_table(out, settings, device="cpu")
    assert ran == ["LS-GAN", "LS-GAN, weight x 10", "LS-GAN, weight x 10"]
    assert [row["finite"] for row in table["runs"]] == [True, True]
    assert json.loads(out.read_text())["runs"] == table["runs"]
    make_table(out, settings, device="cpu")
    assert len(ran) == 3  # what is there is not run again
    with pytest.raises(BookError, match=r"lr differ"):
        make_table(out, replace(settings, lr=1e-3), device="cpu")


def test_a_worker_makes_the_same_run_as_this_process(two_cells):
    out, settings = two_cells
    here = make_table(out, settings, device="cpu")
    half = out.with_name("other.json")  # the first run is there already, a worker makes the second
    half.write_text(json.dumps({**here, "runs": here["runs"][:1]}))
    half.with_suffix(".npz").write_bytes(out.with_suffix(".npz").read_bytes())
    there = make_table(half, settings, device="cpu", workers=2)
    for ours, theirs in zip(here["runs"], there["runs"], strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}


# --- runs ahead -----------------------------------------------------------------------------------

KEYS = [{"seed": seed} for seed in range(3)]


def plain(key):
    return {"number": key["seed"]}, np.zeros((0, 1))


def endless(key):
    torch.Generator()
    while True:
        pass


def test_a_key_that_was_not_given_is_run_all_the_same():
    with ahead([], plain, workers=2) as outcome:
        assert outcome({"seed": 9})[0]["number"] == 9


def test_with_one_worker_nothing_goes_ahead():
    ran = []
    with ahead(KEYS, lambda key: ran.append(key), workers=1) as outcome:
        assert ran == []
        outcome(KEYS[1])
    assert ran == [KEYS[1]]


def test_on_the_way_out_workers_end_in_the_middle_of_a_run():
    before = set(multiprocessing.active_children())
    with pytest.raises(KeyboardInterrupt), ahead(KEYS, endless, workers=2):
        started = set(multiprocessing.active_children()) - before
        raise KeyboardInterrupt
    assert len(started) == 2
    # Asked again and again: the pool's own thread waits for them too, and of two that wait for one
    # process the other is told, for a moment, that it lives.
    deadline = time.monotonic() + 30
    while any(worker.is_alive() for worker in started):
        assert time.monotonic() < deadline
        time.sleep(0.05)
