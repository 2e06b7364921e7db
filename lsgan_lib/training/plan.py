"""What a run would be, for `--dry-run`: nothing is trained, written or fetched."""

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from math import ceil
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from lsgan_lib.data import mnist_files
from lsgan_lib.data.batches import PointBatches
from lsgan_lib.data.image_set import ImageSet
from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.errors import BookError
from lsgan_lib.folders import data_folder
from lsgan_lib.training.loop import Engine, Trainer
from lsgan_lib.training.precision import Precision
from lsgan_lib.training.processes import share
from lsgan_lib.training.recipe import Recipe
from lsgan_lib.training.run_directory import RunDirectory
from lsgan_lib.training.sources import load_data, make_stream
from lsgan_lib.training.where import pick_device

Line = tuple[str, str, str]
"""Name, value, comment."""


def plan(
    recipe: Recipe,
    directory: Path,
    *,
    device: str | None = None,
    engine: Engine = "eager",
    precision: Precision | Literal["auto"] = "auto",
    processes: int = 1,
) -> str:
    """Every setting of a run and what it would need, then each reason why it would be refused.

    processes: how many torchrun starts. Data that are not on this machine are named and left out.
    """
    notes: list[str] = []
    data = where = None
    with _noting(notes):
        where = pick_device(device)
    with _noting(notes):
        RunDirectory(directory).refuse_another()
    with _noting(notes):
        share(recipe.batch_size, processes)
    with _noting(notes):
        data = _data(recipe, notes)
    if data is not None:
        with _noting(notes):
            stream, _ = make_stream(recipe, data, torch.device("cpu"))  # where no pixel is copied
            with closing(stream):
                assumed: Precision = "fp32" if precision == "auto" else precision
                Trainer(recipe, stream, where or "cpu", engine=engine, precision=assumed)
    sections: dict[str, Iterable[Line]] = {
        "settings": _settings(recipe),
        "networks": _networks(recipe),
        "data": [("pixels", *_pixels(data))],
        "course": _course(recipe, data, processes),
        "run": [
            ("folder", str(directory), ""),
            ("device", str(where or device), f"{processes} processes" if processes > 1 else ""),
            ("engine", engine, ""),
            ("precision", precision, "measured when it starts" if precision == "auto" else ""),
        ],
    }
    lines = [line for title, rows in sections.items() for line in [title, *_table(rows), ""]]
    return "\n".join([*lines, *notes, "Nothing was trained or written."])


@contextmanager
def _noting(notes: list[str]) -> Iterator[None]:
    """Go on after an error for the reader, and keep it."""
    try:
        yield
    except BookError as problem:
        notes.append(f"This run would be refused: {problem}")


def _data(recipe: Recipe, notes: list[str]) -> ImageSet | Mixture | None:
    """The data, where they are on this machine already: nothing is fetched for a plan."""
    if recipe.data == "mnist":
        home = data_folder() / "mnist"
        if mnist_files.find(home, "train") is None:
            notes.append(
                f"MNIST is not in {home}: this run would download it, or train on the book's 5,000 "
                "digits where it cannot."
            )
            return None
    return load_data(recipe)


def _settings(part: Any, prefix: str = "") -> Iterator[Line]:
    """Each field of a recipe and of the dataclasses within it, as the command line spells it."""
    about = _comments(type(part))
    for field in dataclasses.fields(part):
        value, name = getattr(part, field.name), prefix + field.name.replace("_", "-")
        inner = dataclasses.is_dataclass(value)
        yield name, type(value).__name__ if inner else str(value), about.get(field.name, "")
        if inner:
            yield from _settings(value, f"{name}.")


def _comments(kind: type) -> dict[str, str]:
    """What stands in the source below each field of a dataclass and of those it derives from."""
    about: dict[str, str] = {}
    for base in reversed([base for base in kind.__mro__ if dataclasses.is_dataclass(base)]):
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(definition, ast.ClassDef)
        for line, below in zip(definition.body, definition.body[1:], strict=False):
            match line, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    about[name] = " ".join(text.split())
    return about


def _networks(recipe: Recipe) -> Iterator[Line]:
    """Parameters of both networks."""
    for name, make in (
        ("generator", recipe.networks.generator),
        ("critic", recipe.networks.critic),
    ):
        network: nn.Module = make(torch.Generator())
        yield name, f"{sum(p.numel() for p in network.parameters()):,}", "parameters"


def _pixels(data: ImageSet | Mixture | None) -> tuple[str, str]:
    """The memory that the data need, and why."""
    if data is None:
        return "unknown", "the data are not here, or cannot be used"
    if isinstance(data, Mixture):
        return "none", "points are drawn afresh for each batch"
    count, channels, rows, columns = data.images.shape
    return f"{data.images.numel():,} bytes", f"{count:,} images of {channels} x {rows} x {columns}"


def _course(recipe: Recipe, data: ImageSet | Mixture | None, processes: int) -> Iterator[Line]:
    """How many steps and epochs the run has."""
    a_step = recipe.critic_steps * recipe.batch_size
    steps = ceil(recipe.images / a_step)
    critic, generator = steps * recipe.critic_steps, steps * recipe.generator_steps
    yield "steps", f"{steps:,}", f"{critic:,} updates of the critic, {generator:,} of the generator"
    several = f"{recipe.critic_steps} batches of {recipe.batch_size}"
    yield "images a step", f"{a_step:,}", several if recipe.critic_steps > 1 else ""
    if processes > 1:
        yield "images a process", f"{recipe.batch_size // processes:,}", "of each batch"
    if data is None:
        yield "epochs", "unknown", "without the data"
    else:
        epoch = PointBatches.epoch if isinstance(data, Mixture) else len(data)
        yield "epochs", f"{round(recipe.images / epoch, 2):,}", f"of {epoch:,} images"


def _table(rows: Iterable[Line]) -> list[str]:
    """Rows as lines, the comments below each other."""
    rows = list(rows)
    name, value = (max(len(row[i]) for row in rows) for i in (0, 1))
    return [f"  {row[0]:{name}}  {row[1]:{value}}  {row[2]}".rstrip() for row in rows]
