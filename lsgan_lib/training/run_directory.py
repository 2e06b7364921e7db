"""The folder that a run writes, every file whole or not at all.

recipe.json             what was asked
run.json                where it ran: device, versions, commit, images/s, seconds, the data
log.csv                 one row a tick
samples/000060000.png   the same noise at each time, named by images shown
state.pt                to resume; loads with weights_only=True
generator.safetensors   the averaged generator
"""

import csv
import io
import math
import shlex
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from lsgan_lib.errors import BookError
from lsgan_lib.files import atomic, read_json, write_json
from lsgan_lib.training.recipe import Recipe, from_json, to_json

COLUMNS = (
    *("images", "epoch", "critic_loss", "generator_loss", "score_real", "score_fake"),
    *("margin", "active_hinges", "penalty", "input_gradient", "noise_gradient"),
    *("critic_gradient", "generator_gradient", "images_per_second"),
)
"""Columns of log.csv. Losses, scores, margin, penalty and gradients of the weights are means over
the tick; active_hinges is a share; input_gradient and noise_gradient are mean absolute derivatives
of the critic's loss by a real pixel and of the generator's by a noise coordinate, at its last step.
"""

_STATE_FORMAT = 1


class RunDirectory:
    """Reads and writes the files of one run."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @property
    def resume_command(self) -> str:
        """What to type to go on with this run."""
        return f"lsgan resume {shlex.quote(str(self.path))}"

    def exists(self) -> bool:
        """Whether a run was begun here."""
        return (self.path / "recipe.json").is_file()

    def create(self, recipe: Recipe) -> None:
        """Begin a run; raises BookError where another one lies, or the folder cannot be made."""
        if self.exists():
            raise BookError(
                f"{self.path} already holds a run. Go on with it by `{self.resume_command}`, or "
                " choose another folder with --out."
            )
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
        for path in self.path.rglob(".*.part"):
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

    def write_state(self, recipe: Recipe, state: dict[str, Any]) -> None:
        """Write state.pt; the old one stays until the new one is complete."""
        # Serialised in memory first: a full disk must show itself as an OSError, not inside torch.
        buffer = io.BytesIO()
        content = {"format": _STATE_FORMAT, "recipe": to_json(recipe), **state}
        torch.save(content, buffer)
        with atomic(self.path / "state.pt") as file:
            file.write(buffer.getbuffer())

    def state(self, device: torch.device | str = "cpu") -> dict[str, Any] | None:
        """The saved state, or None where the run was stopped before the first.

        Raises BookError where the file is damaged, of another version, or of another recipe.
        Nothing but tensors and plain values is ever loaded from it.
        """
        path = self.path / "state.pt"
        if not path.is_file():
            return None
        try:
            state = torch.load(path, map_location=device, weights_only=True)
            version, recipe = state.pop("format"), state.pop("recipe")
        except Exception as error:  # torch raises many kinds for a damaged file
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise BookError(
                f"{path} cannot be read ({reason}). It is damaged or was not written by lsgan; "
                "start the run again in another folder."
            ) from error
        if version != _STATE_FORMAT:
            raise BookError(f"{path} has format {version}; this version reads {_STATE_FORMAT}.")
        if recipe != to_json(self.recipe()):
            raise BookError(
                f"{path} belongs to another recipe than recipe.json beside it. Restore the "
                "recipe.json that the run was started with, or start a new run."
            )
        return state

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
