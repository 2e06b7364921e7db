"""The folder that a run writes, every file whole or not at all.

recipe.json             what was asked
run.json                where it ran: device, versions, commit, images/s, seconds, the data
log.csv                 one row a tick; newer than the state by up to `state_every` images
samples/000060000.png   the same noise at each time, named by images shown
state.pt                to resume; loads with weights_only=True
states/000060000.pt     the last states before it
best.pt                 the state with the lowest distance, where distances are measured
generator.safetensors   the averaged generator
"""

import csv
import io
import math
import re
import shlex
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from lsgan_lib.errors import BookError
from lsgan_lib.files import atomic, read_json, write_json
from lsgan_lib.training.recipe import Recipe, from_json, to_json
from lsgan_lib.training.states import States, Which

COLUMNS = (
    *("images", "epoch", "critic_loss", "generator_loss", "score_real", "score_fake"),
    *("margin", "active_hinges", "penalty", "input_gradient", "noise_gradient"),
    *("critic_gradient", "generator_gradient", "spread", "images_per_second"),
)
"""Columns of log.csv. Losses, scores, margin, penalty and gradients of the weights are means over
the tick; active_hinges is a share; input_gradient and noise_gradient are mean absolute derivatives
of the critic's loss, its penalty included, by a real pixel and of the generator's by a noise
coordinate, at its last step; spread is how much the samples of the fixed noise differ, as a share
of how much the data do.
"""

_HALF_WRITTEN = re.compile(r"\.[a-z0-9]+\.(json|csv|png|pt|safetensors)\.\d+(\.link)?\.part")
"""What `atomic` and `States` call a file of ours that is not complete."""


class RunDirectory:
    """Reads and writes the files of one run."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._states = States(self.path, self.resume_command)

    @property
    def resume_command(self) -> str:
        """What to type to go on with this run."""
        return f"lsgan resume {shlex.quote(str(self.path))}"

    def exists(self) -> bool:
        """Whether a run was begun here."""
        return (self.path / "recipe.json").is_file()

    def refuse_another(self) -> None:
        """Raise BookError where a run lies already."""
        if self.exists():
            raise BookError(
                f"{self.path} already holds a run. Go on with it by `{self.resume_command}`, or "
                "choose another folder with --out."
            )

    def create(self, recipe: Recipe) -> None:
        """Begin a run; raises BookError where another one lies, or the folder cannot be made."""
        self.refuse_another()
        self.prepare()
        write_json(self.path / "recipe.json", to_json(recipe))

    def prepare(self) -> None:
        """Make the folders, and clear away what a process that was killed had begun to write.

        Raises BookError where the folders cannot be made.
        """
        try:
            (self.path / "samples").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BookError(
                f"cannot make the folder {self.path} ({error.strerror}). Choose another: --out."
            ) from error
        for folder in (self.path, self.path / "samples", self.path / "states"):
            for path in folder.glob(".*.part"):
                if _HALF_WRITTEN.fullmatch(path.name):
                    path.unlink(missing_ok=True)

    def recipe(self) -> Recipe:
        """The recipe of the run; raises BookError where there is no run."""
        if not self.exists():
            raise BookError(f"{self.path} is not a run directory: it has no recipe.json.")
        return from_json(read_json(self.path / "recipe.json"))

    def facts(self) -> dict[str, Any]:
        """What run.json says; empty where there is none yet."""
        path = self.path / "run.json"
        return read_json(path) if path.is_file() else {}

    def write_facts(self, facts: dict[str, Any]) -> None:
        """Write run.json."""
        write_json(self.path / "run.json", facts)

    def write_log(self, history: list[dict[str, float]]) -> None:
        """Write log.csv anew; a column that a run does not have stays empty."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        digits = {"images": 12}  # a count is exact
        for row in history:
            writer.writerow({name: f"{v:.{digits.get(name, 6)}g}" for name, v in row.items()})
        with atomic(self.path / "log.csv") as file:
            file.write(text.getvalue().encode())

    def log(self) -> list[dict[str, float]]:
        """The rows of log.csv as numbers; empty cells are NaN."""
        try:
            with open(self.path / "log.csv", newline="") as file:
                return [
                    {name: float(value) if value else math.nan for name, value in row.items()}
                    for row in csv.DictReader(file)
                ]
        except (OSError, ValueError) as error:
            raise BookError(f"{self.path / 'log.csv'} cannot be read ({error}).") from error

    def write_samples(self, shown: int, png: bytes) -> None:
        """Write the picture of this moment."""
        with atomic(self.path / "samples" / f"{shown:09d}.png") as file:
            file.write(png)

    def samples(self) -> dict[int, Path]:
        """Pictures by the number of images shown, in order."""
        return {int(path.stem): path for path in sorted((self.path / "samples").glob("[0-9]*.png"))}

    def drop_samples_after(self, shown: int) -> None:
        """Delete pictures of a future that was given up: the run went back to `shown` images."""
        for images, path in self.samples().items():
            if images > shown:
                path.unlink()

    def write_state(
        self,
        recipe: Recipe,
        state: dict[str, Any],
        *,
        keep: int = 2,
        distance: float | None = None,
    ) -> None:
        """Write state.pt; the old one stays until the new one is complete.

        keep: how many states, this one included, stay; those before it move to states/. distance:
        how far the samples are from the data; the state with the lowest is best.pt as well.
        Raises BookError where the disk is full: the states before this one are as they were.
        """
        self._states.write({"recipe": to_json(recipe), **state}, keep, distance)

    def state(
        self, device: torch.device | str = "cpu", which: Which = "newest"
    ) -> dict[str, Any] | None:
        """A saved state, or None where the run was stopped before the first.

        which: the newest, the best, or the one in states/ with so many images shown. Raises
        BookError where it is damaged, of a newer version, or of another recipe; where there is an
        older one to go on from, the sentence says how. Nothing but tensors and plain values is
        ever loaded from a file.
        """
        state = self._states.read(device, which)
        if state is None:
            return None
        recipe = to_json(self.recipe())
        # Through from_json: a setting that was unknown when the state was written has its default.
        if to_json(from_json(state.pop("recipe"))) != recipe:
            raise BookError(
                f"the {which} state in {self.path} belongs to another recipe than its recipe.json."
                " Restore the recipe.json that the run was started with, or start a new run."
            )
        return {name: v for name, v in state.items() if name not in ("format", "distance")}

    def states(self) -> list[int]:
        """Images shown of the states before the newest, in order."""
        return self._states.older()

    def write_generator(self, network: nn.Module) -> None:
        """Write generator.safetensors."""
        weights = {name: value.contiguous().cpu() for name, value in network.state_dict().items()}
        with atomic(self.path / "generator.safetensors") as file:
            file.write(safetensors.torch.save(weights))

    def generator(self, device: torch.device | str = "cpu") -> nn.Module:
        """The averaged generator, in evaluation mode, float32 whatever the file holds.

        Raises BookError where the weights are missing, damaged or of other networks.
        """
        path = self.path / "generator.safetensors"
        network = self.recipe().networks.generator(torch.Generator())
        if not path.is_file():
            raise BookError(f"there are no weights in {self.path}: train the recipe first.")
        try:
            weights = safetensors.torch.load(path.read_bytes())
            network.load_state_dict(weights)
        except Exception as error:  # safetensors and torch each raise their own kinds
            raise BookError(
                f"{path} does not hold the weights of this recipe's generator "
                f"({str(error).splitlines()[0]})."
            ) from error
        return network.to(device).eval()
