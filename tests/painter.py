"""A source of noise for the tests of the packer, in a module that a process loads at once."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data_prep.job import Dropped, Item, Job, Made


@dataclass(frozen=True)
class Painter:
    """Paints noise; drops every 50th picture; may be slow, or leave a mark for each it paints."""

    count: int = 600
    seconds: float = 0.0
    marks: str = ""
    dies: bool = False

    def job(self, **changes) -> Job:
        job = Job(
            name="noise8",
            shape=(3, 8, 8),
            items=[Item(f"{i}.png", i, label=i % 3) for i in range(self.count)],
            make=self.make,
            facts={"source": "a test", "licence": "none", "options": {"count": self.count}},
            classes=["a", "b", "c"],
        )
        return replace(job, **changes)

    def make(self, item: Item) -> Made:
        if self.dies:
            os._exit(9)
        if self.seconds:
            time.sleep(self.seconds)
        if self.marks:
            (Path(self.marks) / f"{item.place}.{os.getpid()}").touch()
        if item.place % 50 == 49:
            raise Dropped(f"number {item.place % 100}")
        return Made(picture(item.place), note="seven" if item.place == 7 else "")


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (3, 8, 8), dtype=np.uint8)
