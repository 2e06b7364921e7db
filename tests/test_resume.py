"""A run that is stopped and goes on ends in the same bits as one that was left alone."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_runs import RECIPE, RECIPES, content, data_of, same, small_digits, small_digits_in

from lsgan_lib import cli, files
from lsgan_lib.data import make_set
from lsgan_lib.errors import BookError
from lsgan_lib.training import Recipe, RunDirectory, Trainer, resume, session, train
from lsgan_lib.training.recipe import from_json

every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)

SHORT = replace(RECIPE, images=32, samples_every=16, state_every=16)


class Stop:
    """Press Ctrl-C at the end of the tick in which so many images have been shown."""

    def __init__(self, shown: int, number: int = signal.SIGINT) -> None:
        self.shown, self.number = shown, number

    def __call__(self, trainer: Trainer) -> None:
        if trainer.shown >= self.shown:
            os.kill(os.getpid(), self.number)


@contextmanager
def ctrl_c_in_the_step_to(shown: int) -> Iterator[None]:
    """Press Ctrl-C while the step is made that ends at so many images, wherever the tick stands."""
    step = Trainer.step

    def pressed(trainer: Trainer) -> None:
        step(trainer)
        if trainer.shown >= shown:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "step", pressed)
        yield


def left_alone(recipe: Recipe, folder: Path) -> dict:
    train(recipe, data_of(recipe), folder, device="cpu")
    return content(folder)


# --- Ctrl-C --------------------------------------------------------------------------------------


@every_recipe
def test_stopped_twice_and_resumed_the_bits_are_the_same(recipe, tmp_path):
    """Every family, objective, penalty, optimiser and source of randomness.

    Stopped at the end of a tick and in the middle of one, where the log's sums are half full.
    """
    expected = left_alone(recipe, tmp_path / "alone")
    data, run = data_of(recipe), tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        train(recipe, data, run, device="cpu", on_tick=Stop(32))
    with pytest.raises(KeyboardInterrupt), ctrl_c_in_the_step_to(56):
        resume(run, data, device="cpu")
    trainer = resume(run, data, device="cpu")
    assert trainer.shown >= recipe.images
    assert same(content(run), expected)
    assert same(trainer.state_dict(), {k: expected["state"][k] for k in trainer.state_dict()})


def test_a_run_in_memory_ends_in_the_same_bits_too(tmp_path):
    expected = left_alone(RECIPE, tmp_path / "alone")
    in_memory = train(RECIPE, small_digits(), device="cpu").state_dict()
    assert same(in_memory, {name: expected["state"][name] for name in in_memory})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_saves_the_run_where_it_stands_and_says_how_to_go_on(tmp_path, number):
    """At 32 images, between the states that are due at 24 and 48."""
    run = tmp_path / "my run"
    with pytest.raises(KeyboardInterrupt) as caught:
        train(RECIPE, small_digits(), run, device="cpu", on_tick=Stop(32, number))
    assert str(caught.value) == f"stopped after 32 images. Go on with `lsgan resume '{run}'`."
    assert RunDirectory(run).state()["shown"] == 32
    assert RunDirectory(run).facts()["images"] == 32
    assert [row["images"] for row in RunDirectory(run).log()] == [16, 32]
    assert RunDirectory(run).generator()


def test_a_stop_in_the_last_step_says_that_nothing_is_left_to_do(tmp_path):
    with pytest.raises(KeyboardInterrupt, match="The run is finished"):
        train(RECIPE, small_digits(), tmp_path, device="cpu", on_tick=Stop(RECIPE.images))
    assert RunDirectory(tmp_path).state()["shown"] == RECIPE.images


def test_a_stop_of_a_run_in_memory_promises_nothing():
    with pytest.raises(KeyboardInterrupt) as caught:
        train(RECIPE, small_digits(), device="cpu", on_tick=Stop(32))
    assert str(caught.value) == "stopped after 32 images."


@pytest.mark.usefixtures("interruptible")
def test_a_second_stop_acts_at_once_and_the_handlers_are_given_back(tmp_path):
    def impatient(trainer: Trainer) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(RECIPE, small_digits(), tmp_path / "run", device="cpu", on_tick=impatient)
    assert str(caught.value) == ""  # Python's own, from within the step
    assert signal.getsignal(signal.SIGINT) is before
    train(replace(RECIPE, images=16), small_digits(), device="cpu")
    assert signal.getsignal(signal.SIGINT) is before


# --- a log that is ahead of the state -------------------------------------------------------------


def test_who_watches_a_run_sees_each_tick_before_a_state_is_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "_LOG_EVERY", 0.0)
    recipe, run, seen = replace(RECIPE, state_every=96), RunDirectory(tmp_path), []

    def look(trainer: Trainer) -> None:
        seen.append([row["images"] for row in run.log()])
        assert not (tmp_path / "state.pt").exists()

    train(recipe, small_digits(), tmp_path, device="cpu", on_tick=look)
    assert seen == [list(range(16, shown + 1, 16)) for shown in range(16, 97, 16)]


def test_a_quick_run_does_not_write_its_log_at_every_tick(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "_LOG_EVERY", 3600.0)
    recipe, seen = replace(RECIPE, state_every=96), []
    train(recipe, small_digits(), tmp_path, device="cpu",
          on_tick=lambda _: seen.append(len(RunDirectory(tmp_path).log())))  # fmt: skip
    assert seen == [1] * 6
    assert len(RunDirectory(tmp_path).log()) == 6


def test_rows_that_belong_to_no_state_are_dropped_when_the_run_goes_on(tmp_path):
    train(SHORT, small_digits(), tmp_path, device="cpu")
    run = RunDirectory(tmp_path)
    rows = run.log()
    run.write_log([*rows, rows[-1] | {"images": 48.0}])
    resume(tmp_path, small_digits(), device="cpu")  # finished: not a step is made
    assert [row["images"] for row in run.log()] == [16, 32]


def test_a_run_begun_again_has_no_rows_of_a_start_that_was_killed(tmp_path):
    train(replace(SHORT, tick=32), small_digits(), tmp_path, device="cpu")
    run, logs = RunDirectory(tmp_path), []
    (tmp_path / "state.pt").unlink()
    shutil.rmtree(tmp_path / "states")
    (tmp_path / "best.pt").unlink(missing_ok=True)

    step = Trainer.step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "step", lambda self: (logs.append(run.log()), step(self)))
        resume(tmp_path, small_digits(), device="cpu")
    assert logs[0] == [] and len(run.log()) == 1


def test_a_log_that_cannot_be_written_ends_no_run(tmp_path, monkeypatch):
    """The state is what must not be lost, and its own error tells of the disk."""
    recipe, write, wrote = replace(RECIPE, state_every=96), RunDirectory.write_log, []

    def full(self: RunDirectory, history: list) -> None:
        if 0 < len(history) < 6:
            wrote.append(len(history))
            raise BookError("no space")
        write(self, history)

    monkeypatch.setattr(session, "_LOG_EVERY", 0.0)
    monkeypatch.setattr(RunDirectory, "write_log", full)
    train(recipe, small_digits(), tmp_path, device="cpu")
    assert wrote == [1, 2, 3, 4, 5] and len(RunDirectory(tmp_path).log()) == 6


def test_a_run_outside_the_main_thread_needs_no_signals():
    done: list[int] = []
    worker = threading.Thread(
        target=lambda: done.append(train(SHORT, small_digits(), device="cpu").shown)
    )
    worker.start()
    worker.join()
    assert done == [32]


# --- killed --------------------------------------------------------------------------------------


class Killed(BaseException):
    """What stands in for SIGKILL between two files: nothing of the library catches it."""


def kill_before(write: int, monkeypatch) -> None:
    """Let the process die before a file takes its name, the so-manieth from now."""
    replace_file, seen = os.replace, [0]

    def counted(*paths) -> None:
        if seen[0] == write:
            raise Killed
        seen[0] += 1
        replace_file(*paths)

    monkeypatch.setattr(files.os, "replace", counted)


def test_killed_before_any_of_its_files_a_run_ends_in_the_same_bits(tmp_path, monkeypatch):
    """Every gap between two files that the run writes, each once, one run each."""
    monkeypatch.setattr(session, "_LOG_EVERY", 0.0)
    data = small_digits()
    expected = left_alone(SHORT, tmp_path / "alone")
    writes = 0
    while True:
        run = tmp_path / str(writes)
        with monkeypatch.context() as patch:
            kill_before(writes, patch)
            try:
                train(SHORT, data, run, device="cpu")
                break  # it wrote all of its files
            except Killed:
                pass
        # A real kill would leave the unfinished file too.
        (run / f".state.pt.{writes}.part").write_bytes(b"half a state")
        if writes == 0:  # killed before recipe.json: no run was begun, the same command works
            train(SHORT, data, run, device="cpu")
        else:
            resume(run, data, device="cpu")
        assert same(content(run), expected), f"killed before file {writes}"
        facts = RunDirectory(run).facts()
        assert facts["images"] == 32 and facts["data"]["name"] == "small digits"
        writes += 1
    # recipe, run, empty log, first picture; twice the log of a tick, a picture, state, weights,
    # log, run; the best state, which the first one is and the second may be; the first once more
    # when the second comes.
    assert writes in (4 + 2 * 6 + 2, 4 + 2 * 6 + 3)


def test_killed_again_while_it_is_resumed_a_run_ends_in_the_same_bits(tmp_path, monkeypatch):
    data = small_digits()
    expected = left_alone(SHORT, tmp_path / "alone")
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        kill_before(5, patch)  # after the first state, before its weights
        with pytest.raises(Killed):
            train(SHORT, data, run, device="cpu")
    for write in range(8):  # each time one file farther
        with monkeypatch.context() as patch:
            kill_before(write, patch)
            try:
                resume(run, data, device="cpu")
            except Killed:
                continue
    resume(run, data, device="cpu")
    assert same(content(run), expected)


FLAGS = [
    *("--networks.size", "8", "--networks.z-dim", "3", "--networks.width", "0.001"),
    *("--batch-size", "8", "--images", "800", "--tick", "40", "--samples-every", "200"),
    *("--state-every", "40", "--sample-count", "4", "--device", "cpu", "--precision", "fp32"),
]
KILLED = {  # both GANs, dropout in one, a slope penalty in the other
    "least squares": ["mnist-least-squares"],
    "loss-sensitive": ["faces-loss-sensitive", "--networks.channels", "1"],
}


def newest(run: Path) -> float:
    """When a file of the run last changed; nought before there is one."""
    times = [0.0]
    for path in run.rglob("*"):
        try:
            times.append(path.stat().st_mtime)
        except FileNotFoundError:  # just renamed
            pass
    return max(times)


@pytest.mark.slow
@pytest.mark.parametrize("name", KILLED)
def test_a_process_killed_at_random_moments_ends_in_the_same_bits(
    tmp_path, monkeypatch, capsys, name
):
    """`lsgan train`, SIGKILL, `lsgan resume`, SIGKILL, and `lsgan resume` to the end.

    A state is saved every five steps, so that kills hit training and saving alike.
    """
    monkeypatch.chdir(tmp_path)
    small_digits_in(tmp_path / "data")
    command = ["train", *KILLED[name], "--data", "data", *FLAGS, "--out"]
    cli.main([*command, "alone"])
    chance = random.Random(0)
    run, killed = tmp_path / "run", 0
    for arguments in ([*command, "run"], ["resume", "run"]):
        before = newest(run)
        process = subprocess.Popen(
            [sys.executable, "-m", "lsgan_lib", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while newest(run) == before and process.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.4))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    assert killed  # on a fast machine one of them may have been at its end already
    cli.main(["resume", "run", "--device", "cpu"])
    assert same(content(run), content(tmp_path / "alone"))
    assert "800 images shown. The run is in run." in capsys.readouterr().out


# --- the edges -----------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [("run.json",), ("run.json", "samples"), ("samples",), ()])
def test_a_run_stopped_before_its_first_state_starts_again(tmp_path, missing):
    expected = left_alone(SHORT, tmp_path / "alone")
    run = tmp_path / "run"
    shutil.copytree(tmp_path / "alone", run)
    for name in ("state.pt", "best.pt", "log.csv", "generator.safetensors"):
        (run / name).unlink()
    shutil.rmtree(run / "states")
    for name in missing:
        shutil.rmtree(run / name) if name == "samples" else (run / name).unlink()
    resume(run, small_digits(), device="cpu")
    assert same(content(run), expected)


def test_a_run_that_lost_its_run_json_goes_on(tmp_path):
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(SHORT, small_digits(), run, device="cpu", on_tick=Stop(16))
    (run / "run.json").unlink()
    resume(run, small_digits(), device="cpu")
    facts = RunDirectory(run).facts()
    assert facts["images"] == 32 and facts["data"]["name"] == "small digits"
    assert same(content(run), left_alone(SHORT, tmp_path / "alone"))


def test_to_resume_after_the_end_changes_nothing(tmp_path):
    left_alone(SHORT, tmp_path / "run")
    before = {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    trainer = resume(tmp_path / "run", small_digits(), device="cpu")
    assert trainer.shown == 32
    assert {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()} == before


def test_the_seconds_and_the_speed_of_a_resumed_run_are_those_of_its_parts(tmp_path):
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(RECIPE, small_digits(), run, device="cpu", on_tick=Stop(48))
    path = run / "run.json"
    facts = json.loads(path.read_text()) | {"seconds": 1_000.0, "device_name": "an old machine"}
    path.write_text(json.dumps(facts))
    resume(run, small_digits(), device="cpu")
    facts = RunDirectory(run).facts()
    assert 1_000 <= facts["seconds"] < 1_100 and facts["device_name"] == "an old machine"
    assert facts["images"] == 96 and 0 < facts["images_per_second"] < 1e6


def test_other_data_are_refused_and_nothing_is_touched(tmp_path):
    left_alone(SHORT, tmp_path / "run")
    before = content(tmp_path / "run")
    images = small_digits().images.clone()
    images[0, 0, 0, 0] ^= 1
    with pytest.raises(BookError, match="begun on small digits with other pixels than altered"):
        resume(tmp_path / "run", make_set(images, name="altered"), device="cpu")
    assert same(content(tmp_path / "run"), before)


def test_a_state_of_another_recipe_is_refused_and_nothing_is_touched(tmp_path):
    left_alone(SHORT, tmp_path / "run")
    path = tmp_path / "run" / "recipe.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seed": 99}))
    before = content(tmp_path / "run")
    with pytest.raises(BookError, match="belongs to another recipe"):
        resume(tmp_path / "run", small_digits(), device="cpu")
    assert same(content(tmp_path / "run"), before)


def test_a_cut_state_is_refused_and_nothing_is_touched(tmp_path):
    left_alone(SHORT, tmp_path / "run")
    path = tmp_path / "run" / "state.pt"
    path.write_bytes(path.read_bytes()[:-100])
    before = {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    with pytest.raises(BookError, match=r"state\.pt cannot be read"):
        resume(tmp_path / "run", small_digits(), device="cpu")
    assert {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()} == before


def test_a_folder_without_a_run_is_refused_and_stays_as_it_is(tmp_path):
    with pytest.raises(BookError, match="is not a run directory"):
        resume(tmp_path, small_digits(), device="cpu")
    assert list(tmp_path.iterdir()) == []


def test_the_recipe_of_a_run_is_the_one_it_was_given(tmp_path):
    left_alone(SHORT, tmp_path / "run")
    assert from_json(json.loads((tmp_path / "run" / "recipe.json").read_text())) == SHORT
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert from_json(state["recipe"]) == SHORT
