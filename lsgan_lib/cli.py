"""The command line: `lsgan recipes | data | train | resume | sample | interpolate | manifold`.

Errors that the reader can put right end in one sentence on stderr and exit code 1.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import Positional

from lsgan_lib.errors import BookError

# Torch takes seconds to import: what needs it is imported inside the commands, so that --help and
# typing mistakes answer at once.


def recipes() -> None:
    """List the named recipes: what they train, on what, for how long."""
    from lsgan_lib.training.recipes import RECIPES

    width = max(map(len, RECIPES))
    for name, recipe in RECIPES.items():
        print(
            f"{name:{width}}  {type(recipe.objective).__name__} on {recipe.data}, "
            f"{recipe.images:,} images, batch {recipe.batch_size}"
        )


def _train(arguments: Sequence[str]) -> None:
    """Train a named recipe: the recipe comes first, since it decides which flags there are."""
    from lsgan_lib.training import Recipe, recipe, train

    if not arguments or arguments[0].startswith("-"):
        raise BookError(
            "name a recipe first: `lsgan train RECIPE`. `lsgan recipes` lists them, `lsgan train "
            "RECIPE --help` shows every setting that a flag can change."
        )
    name, *rest = arguments
    named = recipe(name)

    def run(
        recipe: Annotated[Recipe, tyro.conf.arg(name="")] = named,
        out: Path | None = None,
        device: str | None = None,
        threads: int | None = None,
    ) -> None:
        """Train this recipe. Flags change single settings; the defaults are the recipe's.

        Args:
            recipe: the settings of the experiment.
            out: folder of the run; runs/RECIPE if not given.
            device: cpu, cuda, cuda:1 ...; a GPU where there is one if not given.
            threads: CPU threads; as many as torch likes if not given.
        """
        folder = out if out is not None else Path("runs") / name
        _set_threads(threads)
        trainer = train(recipe, directory=folder, device=device, progress=True)
        print(f"{trainer.shown:,} images shown. The run is in {folder}.")

    tyro.cli(run, args=rest, prog=f"lsgan train {name}", config=(tyro.conf.AvoidSubcommands,))


def resume(run: Positional[Path], device: str | None = None, threads: int | None = None) -> None:
    """Go on with a run that was stopped, bit for bit as if it never had been.

    Args:
        run: the run's folder.
        device: cpu, cuda, cuda:1 ...; a GPU where there is one if not given.
        threads: CPU threads; as many as torch likes if not given.
    """
    from lsgan_lib.training import resume

    _set_threads(threads)
    trainer = resume(run, device=device, progress=True)
    print(f"{trainer.shown:,} images shown. The run is in {run}.")


def sample(
    run: Positional[Path],
    count: int = 100,
    seed: int = 0,
    dropout: bool = False,
    out: Path = Path("samples.png"),
) -> None:
    """Draw samples from a run's averaged generator into one picture.

    Args:
        run: a run's folder, or the name of a recorded run.
        count: how many samples.
        seed: names the noise: the same seed, the same samples.
        dropout: keep the generator's dropout on while it samples.
        out: the PNG file to write.
    """
    import torch

    from lsgan_lib import latent
    from lsgan_lib.networks.dropout import dropout_at_sampling

    if count < 1:
        raise BookError(f"--count is {count}, but a picture needs at least one sample.")
    generator, noise = _load(run)
    random = torch.Generator().manual_seed(seed)
    z = latent.draw(count, generator.z_dim, noise, random)
    with dropout_at_sampling(generator, dropout, random):
        _write_grid(out, latent.images_of(generator, z), None)


def interpolate(
    run: Positional[Path],
    rows: int = 5,
    steps: int = 15,
    way: Literal["lerp", "slerp", "distribution_preserving"] = "lerp",
    seed: int = 0,
    out: Path = Path("interpolate.png"),
) -> None:
    """Walk between two random points of the noise, a pair a row, both ends shown.

    Args:
        run: a run's folder, or the name of a recorded run.
        rows: how many pairs.
        steps: pictures in a row.
        way: lerp, slerp or distribution_preserving.
        seed: names the pairs.
        out: the PNG file to write.
    """
    import torch

    from lsgan_lib import latent

    if rows < 1:
        raise BookError(f"--rows is {rows}, but a picture needs at least one pair.")
    generator, noise = _load(run)
    random = torch.Generator().manual_seed(seed)
    ends = latent.draw(2 * rows, generator.z_dim, noise, random)
    z = latent.path(ends[:rows], ends[rows:], steps, way, noise)
    _write_grid(out, latent.images_of(generator, z.flatten(0, 1)), steps)


def manifold(
    run: Positional[Path], rows: int = 20, columns: int = 20, out: Path = Path("manifold.png")
) -> None:
    """Draw what a generator with two noise coordinates makes of a regular grid of them.

    Args:
        run: a run's folder, or the name of a recorded run.
        rows: grid lines from top (1) to bottom (-1).
        columns: grid lines from left (-1) to right (1).
        out: the PNG file to write.
    """
    from lsgan_lib import latent

    generator, noise = _load(run)
    if generator.z_dim != 2:
        raise BookError(
            f"the generator of {run} has {generator.z_dim} noise coordinates, and only two can be "
            "laid out on paper. Train one with --networks.z-dim 2."
        )
    z = latent.manifold_grid(rows, columns, kind=noise)
    _write_grid(out, latent.images_of(generator, z), columns)


def _load(run: Path) -> tuple[Any, Any]:
    """The averaged generator of a run folder or a recorded run, and its kind of noise."""
    from lsgan_lib.data import ASSETS
    from lsgan_lib.training import RunDirectory

    recorded = ASSETS / "runs" / run
    directory = RunDirectory(run)
    if not directory.exists() and RunDirectory(recorded).exists():
        directory = RunDirectory(recorded)
    return directory.generator(), directory.recipe().noise


def _write_grid(out: Path, images: Any, columns: int | None) -> None:
    """Write the picture and say where it is."""
    from lsgan_lib.files import atomic
    from lsgan_lib.training.pictures import grid_png

    with atomic(out) as file:
        file.write(grid_png(images, columns))
    print(f"wrote {out}")


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        if threads < 1:
            raise BookError(f"--threads is {threads}, but must be at least 1.")
        torch.set_num_threads(threads)


def _data(arguments: Sequence[str]) -> None:
    """Prepare packed image sets, and list, show or verify those that there are."""
    from data_prep.__main__ import prepare
    from data_prep.sources import NAMES
    from lsgan_lib import sets
    from lsgan_lib.packed import read_packed

    word, *rest = arguments or ["--help"]
    if word in ("-h", "--help"):
        print(
            "usage: lsgan data list | show NAME | verify NAME\n"
            "       lsgan data SOURCE [--from PATH] [--size N] [--out FOLDER] ...\n\n"
            f"sources: {', '.join(NAMES)}\n\nlsgan data SOURCE --help tells more about one."
        )
    elif word == "list":
        print(sets.table_of_sets())
    elif word in ("show", "verify"):
        if len(rest) != 1:
            raise BookError(f"name one set: `lsgan data {word} NAME`. `lsgan data list` shows all.")
        folder = sets.find_set(rest[0])
        packed = read_packed(folder, verify=word == "verify")
        if word == "show":
            print(sets.describe(folder, packed))
        else:
            print(f"{folder}: {len(packed.images):,} pictures match their checksum.")
    else:
        code = prepare(word, rest, "lsgan data")
        if code:
            sys.exit(code)


_COMMANDS: dict[str, Callable[..., None]] = {
    "recipes": recipes,
    "data": _data,
    "train": _train,
    "resume": resume,
    "sample": sample,
    "interpolate": interpolate,
    "manifold": manifold,
}


def _usage() -> str:
    lines = ["usage: lsgan COMMAND ...", ""]
    for name, command in _COMMANDS.items():
        about = (command.__doc__ or "").splitlines()[0]
        lines.append(f"  {name:12} {about}")
    return "\n".join([*lines, "", "lsgan COMMAND --help tells more about one."])


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `lsgan`; exits with 1 for what the reader can put right, 130 after Ctrl-C."""
    name, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    warnings.showwarning = lambda message, *_: print(f"lsgan: {message}", file=sys.stderr)
    try:
        if name in ("-h", "--help"):
            print(_usage())
        elif name not in _COMMANDS:
            raise BookError(f"there is no command {name!r}; there are {', '.join(_COMMANDS)}.")
        elif name in ("train", "data"):
            _COMMANDS[name](rest)
        else:
            tyro.cli(_COMMANDS[name], args=rest, prog=f"lsgan {name}")
    except (BookError, ValueError) as error:
        sys.exit(f"lsgan: {error}")
    except KeyboardInterrupt as error:
        print(f"lsgan: {str(error) or 'stopped.'}", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
