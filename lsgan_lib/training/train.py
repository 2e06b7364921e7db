"""Run a recipe from its start, or from where a saved run stands, to its end."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from lsgan_lib.data.image_set import ImageSet
from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.errors import BookError
from lsgan_lib.training.choose import choose_precision
from lsgan_lib.training.loop import Engine, Trainer
from lsgan_lib.training.precision import Precision
from lsgan_lib.training.processes import World, join
from lsgan_lib.training.recipe import Recipe, WatchAction
from lsgan_lib.training.run_directory import RunDirectory
from lsgan_lib.training.session import OnTick, Session, begun, with_intervals
from lsgan_lib.training.sources import load_data, make_stream
from lsgan_lib.training.states import Which
from lsgan_lib.training.tensorboard import Board, check_installed
from lsgan_lib.training.where import pick_device


def train(
    recipe: Recipe,
    data: ImageSet | Mixture | None = None,
    directory: Path | str | None = None,
    *,
    device: str | None = None,
    engine: Engine = "eager",
    precision: Precision | Literal["auto"] = "fp32",
    tensorboard: bool = False,
    progress: bool = False,
    on_tick: OnTick | None = None,
) -> Trainer:
    """Train a recipe; returns the trainer with both networks, the average and the history.

    data: an image set or a mixture; None loads what the recipe names. directory: where the run is
    written; None keeps it in memory. device: None takes a GPU where there is one. engine,
    precision: see `Trainer`; "auto" measures a few steps and takes the faster precision.
    tensorboard: write DIRECTORY/tensorboard too. progress: a bar with images/s and time left, in a
    terminal or a notebook. on_tick: called with the trainer after each row of the log. Started by
    torchrun, all its processes train together. Raises BookError for what the reader can put right,
    KeyboardInterrupt when interrupted - a run with a directory can then go on with `resume`.
    """
    run = RunDirectory(directory) if directory is not None else None
    with join(device) as world, world.guard(_advice(run)):
        where = world.device or pick_device(device)
        if tensorboard:
            check_installed()
        if run is not None and world.rank == 0:
            run.refuse_another()
        loaded = data if data is not None else load_data(recipe)
        stream, facts = make_stream(recipe, loaded, where, world)
        with closing(stream):
            if precision == "auto":
                precision, told = choose_precision(recipe, stream, where, engine, world)
                if progress and world.rank == 0:
                    print(told, file=sys.stderr)
            trainer = Trainer(
                recipe, stream, where, engine=engine, precision=precision, world=world
            )
            if run is not None and world.rank == 0:
                run.create(recipe)
            with _board(run, tensorboard, 0, world) as board:
                session = Session(
                    trainer, recipe, run, board=board, progress=progress, on_tick=on_tick
                )
                session.begin(facts)
                session.go()
    return trainer


def resume(
    directory: Path | str,
    data: ImageSet | Mixture | None = None,
    *,
    state: Which = "newest",
    device: str | None = None,
    engine: Engine = "eager",
    watch: WatchAction | None = None,
    state_every: int | None = None,
    samples_every: int | None = None,
    tensorboard: bool = False,
    progress: bool = False,
    on_tick: OnTick | None = None,
) -> Trainer:
    """Go on with the run in a directory, bit for bit as if it had never stopped.

    state: the newest, the best, or one of so many images shown. watch, state_every, samples_every:
    other settings than the recipe's from here on; they change no weight. The precision is the
    run's. The rest is as for `train`. A run that was stopped before its first saved state starts
    again from its recipe. Raises BookError where there is no run, its state is damaged, or the data
    are not those it began with.
    """
    run = RunDirectory(directory)
    asked = run.recipe()
    recipe = with_intervals(
        asked, watch=watch, state_every=state_every, samples_every=samples_every
    )
    with join(device) as world, world.guard(_advice(run)):
        where = world.device or pick_device(device)
        loaded = data if data is not None else load_data(recipe)
        stream, facts = make_stream(recipe, loaded, where, world)
        with closing(stream):
            before = run.facts()
            if before and before["data"]["sha256"] != facts["sha256"]:
                raise BookError(
                    f"the run in {run.path} was begun on {before['data']['name']} with other "
                    f"pixels than {facts['name']} holds now. Put the old data back, or start a new "
                    "run."
                )
            saved = run.state(where, state)
            precision = (saved or before).get("precision", "fp32")
            trainer = Trainer(
                recipe, stream, where, engine=engine, precision=precision, world=world
            )
            if saved is not None:
                trainer.load_state_dict(saved)
            world.barrier()  # all have read before the first one writes
            if world.rank == 0:
                run.prepare()
            with _board(run, tensorboard, trainer.shown, world) as board:
                session = Session(
                    trainer, asked, run, board=board, progress=progress, on_tick=on_tick
                )
                if saved is None:
                    session.begin(facts)
                else:
                    session.watch.load_state_dict(saved["watch"])
                    if world.rank == 0:
                        run.write_log(trainer.history)  # which may have rows after the state
                        if before.get("images") != trainer.shown:
                            # Stopped between the files of one save, or sent back to an older
                            # state: all the others follow from the state.
                            run.drop_samples_after(trainer.shown)
                            run.write_generator(trainer.average)
                            images = {"images": trainer.shown}
                            run.write_facts(begun(trainer, facts) | before | images)
                session.go()
    return trainer


def _advice(run: RunDirectory | None) -> str:
    """How to go on after another process was lost."""
    if run is None:
        return "Start them all again."
    return (
        "Start them all again in the same way, but with `resume` and the run's folder "
        f"{run.path} in place of `train` and the recipe: they go on from the last saved state."
    )


@contextmanager
def _board(
    run: RunDirectory | None, wanted: bool, first: int, world: World
) -> Iterator[Board | None]:
    """TensorBoard's files, where they are asked for; closed at the end."""
    if wanted and run is None:
        raise BookError("tensorboard=True needs a directory to write to.")
    if not wanted or run is None or world.rank != 0:
        yield None
        return
    board = Board(run.path / "tensorboard", first)
    try:
        yield board
    finally:
        board.close()
