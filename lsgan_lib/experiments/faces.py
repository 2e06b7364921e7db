"""Faces through a run: collapse or artefact, raw weights or their average, which objective.

    python -m lsgan_lib.experiments.faces        reads runs/, where `lsgan train` writes

Every saved state of the runs on faces draws the same noise in three ways:

moving     the raw weights, BatchNorm on its moving averages: as seed 0 draws its pictures
batch      the raw weights, BatchNorm on the statistics of batches as large as in training
average    the averaged weights with averaged statistics: as this library draws

If `batch` shows faces where `moving` does not, the network is sound and its moving averages are
not: an artefact. If both are bad, the network itself is. Chapter 06 reads the table, and shows the
pictures: of every state the first few of the noise, in the same three ways, in assets/tables/faces.
States that are in the table already, by their checksum, are not drawn again.
"""

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import Tensor

from lsgan_lib import latent
from lsgan_lib.data.image_set import ImageSet, to_float
from lsgan_lib.errors import BookError
from lsgan_lib.evaluation.batch_statistics import images_in_batches
from lsgan_lib.evaluation.detected import SMALLEST, SURE, faces_found
from lsgan_lib.experiments.command import run_command
from lsgan_lib.experiments.tables import command_of, read_table, table_path
from lsgan_lib.files import atomic, sha256, write_json
from lsgan_lib.training import RunDirectory, state_file
from lsgan_lib.training.distance import sliced_wasserstein, spread
from lsgan_lib.training.pictures import grid_png
from lsgan_lib.training.recipe import Recipe, to_json
from lsgan_lib.training.sources import load_data
from lsgan_lib.training.where import machine

NAME = "faces"
_OUT = table_path(NAME)
RUNS = (
    *("faces-least-squares", "faces-pearson", "faces-cross-entropy"),
    "faces-least-squares-slow",
)
"""The runs that chapter 06 compares, by the names of their recipes."""
WAYS = ("moving", "batch", "average")


@dataclass(frozen=True)
class Settings:
    """What all rows of the table share; recorded with it."""

    samples: int = 256
    """pictures of each state and way, by which it is judged"""
    seed: int = 0
    """names their noise, and the real faces that they are compared with"""
    smallest: int = SMALLEST
    """faces from so many pixels on, and"""
    sure: float = SURE
    """of at least this probability, count as found"""
    shown: int = 8
    """pictures of each way that are kept"""


def judge(samples: Tensor, real: Tensor, settings: Settings) -> dict[str, float]:
    """Share in which a face is found, sliced Wasserstein distance and share of the data's spread.

    samples, real: float (N, 3, H, W) in [-1, 1], as many of each.
    """
    found = faces_found(samples, smallest=settings.smallest, sure=settings.sure)
    return {
        "faces": round(found.float().mean().item(), 4),
        "distance": round(sliced_wasserstein(samples, real), 5),
        "spread": round(spread(samples) / spread(real), 4),
    }


def draw_ways(state: dict[str, Any], recipe: Recipe, z: Tensor) -> dict[str, Tensor]:
    """Pictures of one noise from the networks of a state, by the name of the way (`WAYS`)."""
    networks = {}
    for name in ("generator", "average"):
        networks[name] = recipe.networks.generator(torch.Generator()).eval()
        networks[name].load_state_dict(state[name])
    raw, batch = networks["generator"], recipe.batch_size
    return {
        "moving": latent.images_of(raw, z, chunk=batch),
        "batch": images_in_batches(raw, z, batch),
        "average": latent.images_of(networks["average"], z, chunk=batch),
    }


def row_of(
    state: dict[str, Any], recipe: Recipe, real: Tensor, settings: Settings
) -> tuple[dict[str, Any], Tensor]:
    """What one state's pictures are like in each way, and the first few of them, way by way.

    apart: root mean square difference of a pixel between `moving` and `batch`, from the same noise.
    """
    random = torch.Generator().manual_seed(settings.seed)
    z = latent.draw(settings.samples, recipe.networks.z_dim, recipe.noise, random)
    pictures = draw_ways(state, recipe, z)
    apart = (pictures["moving"] - pictures["batch"]).square().mean().sqrt().item()
    row: dict[str, Any] = {"images": state["shown"], "apart": round(apart, 5)}
    row |= {way: judge(pictures[way], real, settings) for way in WAYS}
    return row, torch.cat([pictures[way][: settings.shown] for way in WAYS])


def state_files(run: Path) -> list[Path]:
    """The files of a run's saved states, oldest first, the newest under its first name."""
    older = sorted(path for path in (run / "states").glob("*.pt") if path.stem.isdigit())
    newest = run / "state.pt"
    return [*older, newest] if newest.is_file() else older


def seal_of(path: Path) -> str:
    """The checksum that a state carries at its end, without reading the rest of it."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 128))
        end = file.read()
    found = re.search(rb"sha256 ([0-9a-f]{64})\n$", end)
    return found[1].decode() if found else sha256(path.read_bytes())


def make_table(
    out: Path, folder: Path, runs: Sequence[str] = RUNS, settings: Settings = Settings()
) -> dict[str, Any]:
    """Judge the states that the file lacks, and drop rows whose states are no longer there.

    A run that has not begun, or has no state yet, is left out. Raises BookError where the table was
    made with other settings, or no run is there.
    """
    table = _begin(out, settings)
    present = [name for name in runs if state_files(folder / name)]
    if not present:
        raise BookError(
            f"there are no saved states of {', '.join(runs)} in {folder}. `lsgan train` makes them."
        )
    for name in present:
        recipe = RunDirectory(folder / name).recipe()
        data = load_data(recipe)
        assert isinstance(data, ImageSet)
        real, other = _real(data, settings)
        table["real"] = judge(other, real, settings)
        entry = table["runs"].setdefault(name, {"states": []})
        entry |= {"recipe": to_json(recipe), "epoch": len(data)}
        seals = {seal_of(path) for path in state_files(folder / name)}
        entry["states"] = [row for row in entry["states"] if row["seal"] in seals]
        for path in state_files(folder / name):
            if _known(entry, seal_of(path)):
                continue
            with _copied(path) as (copy, seal):
                if _known(entry, seal):  # the run has just given the file another content
                    continue
                begun = time.process_time()
                row, pictures = row_of(state_file.read(copy), recipe, real, settings)
            row |= {"seal": seal, "seconds": round(time.process_time() - begun, 1)}
            with atomic(picture_path(out, name, row["images"])) as file:
                file.write(grid_png(pictures, settings.shown))
            entry["states"] = sorted([*entry["states"], row], key=lambda row: row["images"])
            write_json(out, table)
            print(f"{name}, {row['images']:,} images: {_told(row)}", file=sys.stderr)
        _drop_pictures(out, name, {row["images"] for row in entry["states"]})
    write_json(out, table)
    return table


def picture_path(out: Path, run: str, images: int) -> Path:
    """Where the pictures of a state lie: in a folder beside the table and of its name."""
    folder = out.with_suffix("") / run
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{images:09d}.png"


def _known(entry: dict[str, Any], seal: str) -> bool:
    return any(row["seal"] == seal for row in entry["states"])


def _begin(out: Path, settings: Settings) -> dict[str, Any]:
    """The table in the file, or an empty one; raises BookError for one of other settings."""
    wanted = asdict(settings)
    table = read_table(out, wanted) or {"runs": {}}
    head = {"command": command_of(NAME), "settings": wanted, "ways": list(WAYS)}
    return {**head, "machine": machine(torch.device("cpu")), **_rest(table)}


def _rest(table: dict[str, Any]) -> dict[str, Any]:
    return {name: table[name] for name in ("real", "runs") if name in table}


def _real(data: ImageSet, settings: Settings) -> tuple[Tensor, Tensor]:
    """Two sets of faces that share none: what samples are compared with, and what real ones get."""
    random = torch.Generator().manual_seed(settings.seed)
    rows = torch.randperm(len(data), generator=random)[: 2 * settings.samples]
    first, second = rows.split(settings.samples)
    return to_float(data.images[first]), to_float(data.images[second])


@contextmanager
def _copied(path: Path) -> Iterator[tuple[Path, str]]:
    """A copy of a state and its seal: a run that goes on may replace the file at any moment."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        yield copy, seal_of(copy)


def _drop_pictures(out: Path, run: str, images: set[int]) -> None:
    """Delete pictures of states that are no longer in the table."""
    for path in out.with_suffix("").joinpath(run).glob("[0-9]*.png"):
        if int(path.stem) not in images:
            path.unlink()


def _told(row: dict[str, Any]) -> str:
    shares = ", ".join(f"{way} {row[way]['faces']:.0%}" for way in WAYS)
    return f"faces {shares}, apart {row['apart']:.3f} ({row['seconds']:.0f} s)"


def main(
    folder: tyro.conf.Positional[Path] = Path("runs"),
    out: Path = _OUT,
    runs: tuple[str, ...] = RUNS,
    threads: int = 1,
) -> None:
    """Judge every saved state of the runs on faces; what is in the table already is kept.

    Args:
        folder: where the runs lie.
        out: the JSON file; its pictures go to the folder of the same name beside it.
        runs: names of the runs; those that have not begun are left out.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    out.parent.mkdir(parents=True, exist_ok=True)
    table = make_table(out, folder, runs)
    for name, entry in table["runs"].items():
        print(f"{name}: {len(entry['states'])} states")


if __name__ == "__main__":
    run_command(main, NAME)
