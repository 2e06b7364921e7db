"""`lsgan train` and `lsgan resume`; torchrun starts the same commands, once a process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from lsgan_lib.commands.ranks import is_first, world_size
from lsgan_lib.errors import BookError

Engine = Literal["eager", "graph"]
Precision = Literal["auto", "fp32", "tf32", "bf16"]


def train(arguments: Sequence[str]) -> None:
    """Train a named recipe: the recipe comes first, since it decides which flags there are."""
    from lsgan_lib import training
    from lsgan_lib.training.plan import plan

    if not arguments or arguments[0].startswith("-"):
        raise BookError(
            "name a recipe first: `lsgan train RECIPE`. `lsgan recipes` lists them, `lsgan train "
            "RECIPE --help` shows every setting that a flag can change."
        )
    name, *rest = arguments
    named = training.recipe(name)

    def run(
        recipe: Annotated[training.Recipe, tyro.conf.arg(name="")] = named,
        out: Path | None = None,
        device: str | None = None,
        threads: int | None = None,
        engine: Engine = "eager",
        precision: Precision = "auto",
        tensorboard: bool = False,
        dry_run: bool = False,
    ) -> None:
        """Train this recipe. Flags change single settings; the defaults are the recipe's.

        Args:
            recipe: the settings of the experiment.
            out: folder of the run; runs/RECIPE if not given.
            device: cpu, cuda, cuda:1 ...; a GPU where there is one if not given.
            threads: CPU threads; as many as torch likes if not given.
            engine: eager, or graph: each step as one CUDA graph, on a GPU only.
            precision: of matrix products and convolutions; auto measures a few steps and says what
                it chose.
            tensorboard: also write curves and samples for TensorBoard, into the run's folder.
            dry_run: show every setting and what the run would need; train and write nothing.
        """
        folder = out if out is not None else Path("runs") / name
        _set_threads(threads)
        if dry_run:
            print(
                plan(
                    recipe,
                    folder,
                    device=device,
                    engine=engine,
                    precision=precision,
                    processes=world_size(),
                )
            )
            return
        trainer = training.train(
            recipe,
            directory=folder,
            device=device,
            engine=engine,
            precision=precision,
            tensorboard=tensorboard,
            progress=is_first(),
        )
        print(f"{trainer.shown:,} images shown. The run is in {folder}.")

    tyro.cli(run, args=rest, prog=f"lsgan train {name}", config=(tyro.conf.AvoidSubcommands,))


def resume(
    run: Positional[Path],
    state: Annotated[
        Literal["newest", "best"] | int,
        tyro.conf.arg(name="from", metavar="newest|best|IMAGES"),
    ] = "newest",
    device: str | None = None,
    threads: int | None = None,
    engine: Engine = "eager",
    watch: Literal["stop", "roll_back", "warn"] | None = None,
    state_every: int | None = None,
    samples_every: int | None = None,
    tensorboard: bool = False,
) -> None:
    """Go on with a run that was stopped, bit for bit as if it never had been.

    Args:
        run: the run's folder.
        state: the saved state to start from: the newest, the best, or the one after so many images.
        device: cpu, cuda, cuda:1 ...; a GPU where there is one if not given.
        threads: CPU threads; as many as torch likes if not given.
        engine: eager, or graph: each step as one CUDA graph, on a GPU only.
        watch: what to do about a sick run from now on; as the recipe says if not given.
        state_every: images between two saved states; as the recipe says if not given.
        samples_every: images between two pictures; as the recipe says if not given.
        tensorboard: also write curves and samples for TensorBoard, into the run's folder.
    """
    from lsgan_lib import training

    _set_threads(threads)
    trainer = training.resume(
        run,
        state=state,
        device=device,
        engine=engine,
        watch=watch,
        state_every=state_every,
        samples_every=samples_every,
        tensorboard=tensorboard,
        progress=is_first(),
    )
    print(f"{trainer.shown:,} images shown. The run is in {run}.")


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        if threads < 1:
            raise BookError(f"--threads is {threads}, but must be at least 1.")
        torch.set_num_threads(threads)
