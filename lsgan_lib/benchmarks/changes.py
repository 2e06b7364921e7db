"""What each change to the textbook's loop buys: one after the other, each on top of those before.

    python -m lsgan_lib.benchmarks.changes [RECIPE] [--threads 2] [--rounds 5]

The loops take turns of a step each, so that what else the machine does disturbs all alike. Written
to assets/benchmarks/changes/RECIPE.json: "rows", each with change, seconds a step (median of the
rounds), and the textbook's time over its own (median, lowest and highest of the rounds); "machine",
"date" and "command".
"""

import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import Tensor
from tqdm import tqdm

from lsgan_lib.benchmarks.plain import PlainLoop, slope_penalty
from lsgan_lib.benchmarks.record import place
from lsgan_lib.benchmarks.steps import MakeStep, Way, begin, random_images
from lsgan_lib.data.batches import Batches
from lsgan_lib.errors import BookError
from lsgan_lib.files import write_json
from lsgan_lib.folders import ASSETS
from lsgan_lib.training.recipe import Recipe
from lsgan_lib.training.recipes import recipe as named

CHANGES = (
    "textbook",
    "bytes in memory, losses not read",
    "channels last",
    "no graph for fakes, critic frozen",
    "one forward for scores and slope",
    "second derivative by hand",
    "fused optimisers, foreach average",
)


class Changed(PlainLoop):
    """The textbook's loop with the first `changes` of CHANGES made; the last is `Trainer`'s."""

    def __init__(self, recipe: Recipe, images: Tensor, device: torch.device, changes: int) -> None:
        super().__init__(recipe, images, device)
        self.changes = changes
        self.stream = Batches(images, recipe.batch_size, seed=recipe.seed, device=device)
        if changes >= 2:
            for network in (self.generator, self.critic, self.average):
                network.to(memory_format=torch.channels_last)

    def step(self) -> Any:
        """One step, as PlainLoop.step but for the changes."""
        if self.changes == 0:
            return super().step()
        for _ in range(self.recipe.critic_steps):
            real = self.stream.at(self.shown)
            real = real if self.changes >= 2 else real.contiguous()
            with torch.set_grad_enabled(self.changes < 3):
                fake = self.generator(self._noise()).detach()
            loss = self._critic_loss(real, fake)
            self.critic_optimiser.zero_grad()
            loss.backward()
            self.critic_optimiser.step()
            self.shown += self.recipe.batch_size
        for _ in range(self.recipe.generator_steps):
            self.critic.requires_grad_(self.changes < 3)
            loss = self.recipe.objective.generator_loss(self.critic, self.generator(self._noise()))
            self.generator_optimiser.zero_grad()
            loss.backward()
            self.generator_optimiser.step()
            self.critic.requires_grad_(True)
        self._update_average()
        return None

    def _critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        objective = self.recipe.objective
        if self.changes >= 5:
            return objective.critic_loss(self.critic, real, fake)[0]
        if self.changes == 4:  # behind a function nobody sees that the critic is a chain
            return objective.critic_loss(lambda images: self.critic(images), real, fake)[0]
        loss, _ = replace(objective, penalty=None).critic_loss(self.critic, real, fake)
        if objective.penalty is not None:
            slope = slope_penalty(objective.penalty, self.critic, real, fake)
            loss = loss + objective.penalty.weight * slope
        return loss


def loops(recipe: Recipe, device: torch.device) -> dict[str, MakeStep]:
    """A step of each loop, by the name of the change that it adds."""
    images = random_images(recipe)
    made: dict[str, MakeStep] = {
        name: Changed(recipe, images, device, number).step
        for number, name in enumerate(CHANGES[:-1])
    }
    return made | {CHANGES[-1]: begin(recipe, Way("eager", "fp32"), device)}


def measure(recipe: Recipe, rounds: int) -> list[dict[str, Any]]:
    """Seconds a step of each loop on the CPU, and the speed-up over the first."""
    steps = loops(recipe, torch.device("cpu"))
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for turn in tqdm(range(rounds + 1), unit="round"):
        for name, step in steps.items():
            begun = time.perf_counter()
            step()
            if turn:  # the first one warms up
                taken[name].append(time.perf_counter() - begun)
    rows = []
    for name, seconds in taken.items():
        ratios = [t / own for t, own in zip(taken[CHANGES[0]], seconds, strict=True)]
        rows.append(
            {
                "change": name,
                "seconds": statistics.median(seconds),
                "speed_up": statistics.median(ratios),
                "lowest": min(ratios),
                "highest": max(ratios),
            }
        )
    return rows


def main(
    recipe: tyro.conf.Positional[str] = "faces-loss-sensitive",
    threads: int | None = None,
    rounds: int = 5,
    out: Path | None = None,
) -> None:
    """Measure what each change buys on this machine's CPU, and write it down.

    Args:
        recipe: a named recipe on images.
        threads: CPU threads; as many as torch likes if not given.
        rounds: steps of each loop.
        out: the JSON file; assets/benchmarks/changes/RECIPE.json if not given.
    """
    if rounds < 1:
        raise BookError(f"--rounds is {rounds}, but a median needs at least one.")
    if threads is not None:
        torch.set_num_threads(threads)
    rows = measure(named(recipe), rounds)
    facts = place(torch.device("cpu"))
    command = f"python -m lsgan_lib.benchmarks.changes {recipe} --threads {facts['threads']}"
    out = out or ASSETS / "benchmarks" / "changes" / f"{recipe}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    content = {"recipe": recipe, "rounds": rounds, "command": command, "machine": facts}
    write_json(out, content | {"rows": rows})
    for row in rows:
        print(
            f"{row['change']:36}{row['seconds'] * 1e3:9,.0f} ms  x {row['speed_up']:.2f} "
            f"({row['lowest']:.2f}-{row['highest']:.2f})"
        )


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except BookError as error:
        sys.exit(f"changes: {error}")
