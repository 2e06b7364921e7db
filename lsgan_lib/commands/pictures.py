"""`lsgan sample`, `lsgan interpolate`, `lsgan manifold`: pictures from a trained generator."""

from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

from lsgan_lib.commands.find_run import find_run
from lsgan_lib.errors import BookError


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
    directory = find_run(run)
    return directory.generator(), directory.recipe().noise


def _write_grid(out: Path, images: Any, columns: int | None) -> None:
    """Write the picture and say where it is."""
    from lsgan_lib.files import atomic
    from lsgan_lib.training.pictures import grid_png

    with atomic(out) as file:
        file.write(grid_png(images, columns))
    print(f"wrote {out}")
