"""A whole run in two processes is the run of one."""

import math
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from process_pair import Pair, both
from small_runs import NETWORKS, RECIPE, small_digits

from lsgan_lib.errors import BookError
from lsgan_lib.losses.objectives import LossSensitive, Penalty, Wasserstein
from lsgan_lib.training import Recipe, RunDirectory, Trainer, resume, train
from lsgan_lib.training.processes import join

WITHOUT_NORM = replace(NETWORKS, critic_norm=False, generator_norm=False)
SHORT = replace(RECIPE, images=48, tick=16, samples_every=24, state_every=24)
RUNS = {
    "least squares": replace(SHORT, networks=WITHOUT_NORM),
    "loss-sensitive, slope, mirrored": replace(
        SHORT,
        networks=WITHOUT_NORM,
        objective=LossSensitive(penalty=Penalty(weight=1.0)),
        flip=True,
    ),
    "wasserstein, two critic steps": replace(
        SHORT,
        networks=WITHOUT_NORM,
        objective=Wasserstein(penalty=Penalty(kind="interpolates")),
        critic_steps=2,
    ),
    "BatchNorm over both": replace(SHORT, sync_norm=True),
}


def all_runs(folder: Path) -> dict[str, Any]:
    """Each recipe, in this process or its part of it: what the trainer has at the end."""
    ends = {}
    with join("cpu"):  # they meet once, for all these runs
        for name, recipe in RUNS.items():
            trainer = train(recipe, small_digits(), folder / name, device="cpu")
            critic = {n: p.detach() for n, p in trainer.critic.named_parameters()}
            ends[name] = {"critic": critic, "history": trainer.history, "shown": trainer.shown}
    return ends


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("processes")
    two = both(_new(folder / "meeting"), all_runs, folder / "two")
    return two, all_runs(folder / "one"), folder


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", RUNS)
def test_two_processes_make_the_run_of_one(ends, name: str) -> None:
    (first, second), one, _ = ends
    for row, other, alone in zip(
        first[name]["history"], second[name]["history"], one[name]["history"], strict=True
    ):
        for column, value in alone.items():
            if column == "images_per_second":
                continue
            if column != "spread":  # each judges it by its own part of the images
                assert row[column] == other[column], column
            # Adam makes a full step of a gradient that is zero but for rounding, and the biases
            # before a BatchNorm have such: they change nothing, but not the same nothing.
            near = 1e-5
            if RUNS[name].sync_norm:
                near = 1e-4 if row is first[name]["history"][0] else 1e-2
            assert row[column] == pytest.approx(value, rel=near, abs=1e-7), column
    if not RUNS[name].sync_norm:
        for weight, value in one[name]["critic"].items():
            torch.testing.assert_close(first[name]["critic"][weight], value, rtol=1e-5, atol=1e-6)


def test_without_it_batchnorm_sees_half_a_batch(tmp_path: Path) -> None:
    """So that the test above says something: each process's own norm is another run."""
    first, second = both(tmp_path, first_loss, SHORT)
    assert first == second
    assert not math.isclose(first, first_loss(SHORT), rel_tol=2e-4)


def first_loss(recipe: Recipe) -> float:
    return train(recipe, small_digits(), device="cpu").history[0]["critic_loss"]


def test_the_first_process_writes_the_run_and_one_process_goes_on_with_it(ends) -> None:
    _, _, folder = ends
    run = folder / "two" / "least squares"
    facts = RunDirectory(run).facts()
    assert (facts["processes"], facts["images"]) == (2, 48)
    assert sorted(RunDirectory(run).samples()) == [0, 24, 48]
    (state,) = RunDirectory(run).states()
    assert resume(run, small_digits(), state=state, device="cpu").shown == 48


def disturbed(folder: Path) -> str:
    """Process 1 changes one weight behind the run's back."""

    def disturb(trainer: Trainer) -> None:
        if trainer.world.rank == 1:
            with torch.no_grad():
                next(trainer.generator.parameters()).view(-1)[0] += 1e-3

    try:
        train(RUNS["least squares"], small_digits(), folder, device="cpu", on_tick=disturb)
    except BookError as error:
        return str(error)
    return "nothing was noticed"


def test_a_disturbed_process_is_named_at_the_next_snapshot(tmp_path: Path) -> None:
    said = both(tmp_path, disturbed, tmp_path / "run")
    for sentence in said:
        assert "after 24 images" in sentence and "another generator in process 1" in sentence, (
            sentence
        )


def endless(folder: Path) -> str:
    """A run that nobody will see the end of; a lost process ends it with a sentence."""
    begun = time.monotonic()

    def die(trainer: Trainer) -> None:
        if trainer.world.rank == 1 and trainer.shown >= 64:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        recipe = replace(RUNS["least squares"], images=10**9)
        train(recipe, small_digits(), folder, device="cpu", on_tick=die)
    except BookError as error:
        print(error, file=sys.stderr)
        return f"{time.monotonic() - begun:.0f} {error}"
    return "it ended well"


def test_a_killed_process_ends_the_run_and_the_sentence_says_how_to_go_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with Pair(_new(tmp_path / "meeting"), endless, run) as pair:
        assert pair.code(1) == -signal.SIGKILL
        begun = time.monotonic()
        assert pair.code(0, within=30) is not None
        assert time.monotonic() - begun < 30
        said = pair.said(0)
    assert "lost" in said and "resume" in said and str(run) in said, said
    assert RunDirectory(run).state() is not None
