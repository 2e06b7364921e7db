"""The watch names what went wrong, and the run stops, goes back or goes on as its recipe says."""

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_runs import NETWORKS, RECIPE, same, small_digits

from lsgan_lib.errors import BookError
from lsgan_lib.training import Recipe, RunDirectory, Trainer, resume, train
from lsgan_lib.training.watch import Watch

ROW = {"images": 600.0, "generator_gradient": 1.0, "critic_loss": 0.5, "generator_loss": 0.25}
SHORT = replace(RECIPE, images=160, tick=16, samples_every=80, state_every=32)


def row(gradient: float = 1.0, spread: float = 1.0) -> dict[str, float]:
    return ROW | {"generator_gradient": gradient, "spread": spread}


# --- what it sees --------------------------------------------------------------------------------


def test_a_healthy_run_is_left_alone() -> None:
    watch = Watch()
    assert all(watch.look(row(10.0 ** (-i % 4), 0.05)) is None for i in range(20))


def test_a_gradient_that_vanished_five_ticks_long_is_a_saturated_critic() -> None:
    watch = Watch()
    watch.look(row(gradient=2.0))
    seen = [watch.look(row(gradient=1.9e-5)) for _ in range(5)]
    assert seen[:4] == [None] * 4
    assert "critic is saturated at 600 images" in str(seen[4])
    assert "1.9e-05, and was up to 2" in str(seen[4]) and "generator loss 0.25" in str(seen[4])


def test_a_gradient_that_comes_back_begins_the_count_anew() -> None:
    watch = Watch()
    watch.look(row(gradient=2.0))
    for _ in range(4):
        watch.look(row(gradient=1e-9))
    assert watch.look(row(gradient=0.1)) is None
    assert watch.look(row(gradient=1e-9)) is None


def test_samples_that_were_once_different_and_are_alike_have_collapsed() -> None:
    watch = Watch()
    assert all(watch.look(row(spread=0.001)) is None for _ in range(10))  # the start of a run
    watch.look(row(spread=0.5))
    seen = [watch.look(row(spread=0.019)) for _ in range(5)]
    assert seen[:4] == [None] * 4 and not seen[4].fatal
    assert "samples have collapsed" in str(seen[4]) and "1.9%" in str(seen[4])


def test_its_counters_are_part_of_the_state() -> None:
    watch, other = Watch(), Watch()
    watch.look(row(gradient=2.0))
    for _ in range(4):
        watch.look(row(gradient=1e-9))
    other.load_state_dict(watch.state_dict())
    assert other.look(row(gradient=1e-9)) is not None
    other.load_state_dict({})  # a state of an older format
    assert other == Watch()


# --- what a run does then ------------------------------------------------------------------------


class Spoil:
    """Puts a number that is none into the critic's weights after so many images, a few times."""

    def __init__(self, at: int, times: int = 1) -> None:
        self.at, self.times = at, times

    def __call__(self, trainer: Trainer) -> None:
        if trainer.shown == self.at and self.times:
            self.times -= 1
            with torch.no_grad():
                next(trainer.critic.parameters()).fill_(float("nan"))


def spoiled(recipe: Recipe, run: Path | None, times: int = 1) -> Trainer:
    return train(recipe, small_digits(), run, device="cpu", on_tick=Spoil(48, times))


def test_the_loss_and_the_step_are_named_and_the_last_state_is_whole(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(BookError) as caught:
        spoiled(SHORT, run)
    sentence = str(caught.value)
    assert "critic loss was not finite in the step after 48 images" in sentence
    assert f"lsgan resume {run} --watch roll_back" in sentence
    facts = RunDirectory(run).facts()
    assert facts["trouble"] == "critic loss was not finite in the step after 48 images."
    assert facts["images"] == 32
    # Nothing that is not a number was saved; what spoilt it is gone, so the run ends well.
    alone = train(SHORT, small_digits(), device="cpu").state_dict()
    assert same(resume(run, small_digits(), device="cpu").state_dict(), alone)
    assert "trouble" not in RunDirectory(run).facts()


def test_it_is_noticed_before_a_state_is_saved_in_the_middle_of_a_tick(tmp_path: Path) -> None:
    recipe = replace(SHORT, tick=48, state_every=56)
    with pytest.raises(BookError, match="not finite in the step after 48 images"):
        spoiled(recipe, tmp_path / "run")
    assert RunDirectory(tmp_path / "run").state() is None


def test_in_memory_it_stops_too() -> None:
    with pytest.raises(BookError, match="not finite in the step after 48 images"):
        spoiled(SHORT, None)


def test_a_warning_is_not_enough_for_numbers_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="weights are spoilt"):
        spoiled(replace(SHORT, watch="warn"), tmp_path / "run")


def test_roll_back_goes_on_from_the_last_state_with_other_noise(tmp_path: Path) -> None:
    recipe = replace(SHORT, watch="roll_back")
    with pytest.warns(UserWarning, match=r"Went back from 64 to 32 images \(rollback 1 of 3\)"):
        trainer = spoiled(recipe, tmp_path / "run")
    assert (trainer.shown, trainer.rollbacks) == (160, 1)
    assert [int(r["images"]) for r in trainer.history] == list(range(16, 161, 16))
    alone = train(recipe, small_digits(), device="cpu")
    assert all(torch.isfinite(p).all() for p in trainer.average.parameters())
    assert not same(trainer.average.state_dict(), alone.average.state_dict())
    # It is part of the state: to resume from there makes the same run.
    state = RunDirectory(tmp_path / "run").state()
    assert state is not None and state["rollbacks"] == 1


def test_roll_back_is_bounded(tmp_path: Path) -> None:
    recipe = replace(SHORT, watch="roll_back", rollbacks=2)
    with pytest.warns(UserWarning), pytest.raises(BookError, match="after 2 rollbacks"):
        spoiled(recipe, tmp_path / "run", times=9)


def test_roll_back_needs_a_place_to_go_back_to(tmp_path: Path) -> None:
    recipe = replace(SHORT, watch="roll_back")
    with pytest.raises(BookError, match="give the run a directory"):
        spoiled(recipe, None)
    with pytest.raises(BookError, match="before the first state was saved"):
        spoiled(replace(recipe, state_every=160), tmp_path / "run")


class Freeze:
    """Makes all samples one from some image on: the average's first layer forgets its noise."""

    def __call__(self, trainer: Trainer) -> None:
        if trainer.shown >= 48:
            with torch.no_grad():
                for network in (trainer.generator, trainer.average):
                    next(network.parameters()).zero_()


FROZEN = replace(
    SHORT, networks=replace(NETWORKS, generator_norm=False), images=400, average_ramp=1.0
)


@pytest.mark.parametrize("action", ["stop", "warn"])
def test_a_collapse_is_saved_and_stops_the_run_or_is_told(tmp_path: Path, action) -> None:
    run = tmp_path / "run"
    recipe = replace(FROZEN, watch=action, state_every=400)

    def wide(trainer: Trainer) -> None:  # samples that differ at first
        if trainer.shown < 48:
            with torch.no_grad():
                for network in (trainer.generator, trainer.average):
                    for p in network.parameters():
                        p.mul_(8 if p.ndim > 1 else 0)
        Freeze()(trainer)

    if action == "stop":
        with pytest.raises(BookError, match="samples have collapsed at .* The run is saved"):
            train(recipe, small_digits(), run, device="cpu", on_tick=wide)
        state = RunDirectory(run).state()
        assert state is not None and state["shown"] < 400
        assert "collapsed" in RunDirectory(run).facts()["trouble"]
    else:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            trainer = train(recipe, small_digits(), run, device="cpu", on_tick=wide)
        assert trainer.shown == 400
        assert any("collapsed" in str(w.message) for w in told)
