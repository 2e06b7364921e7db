"""Drawn faces, generated on this machine: the book's stand-in for photographs.

DiceBear draws a face from parts (hair, eyes, mouth, beard, clothes) that a seed chooses, as SVG;
resvg turns it into pixels. Nothing is downloaded, nobody's likeness is used, and anybody may show
the pictures.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from data_prep.job import Item, Job, Made
from data_prep.pictures import decode, pixels
from lsgan_lib.errors import BookError

COUNT = 10_000
_PACKAGES = ("dicebear-core", "dicebear-styles", "resvg-py")
STYLE = "toon-head"
# Pale, so that no background is mistaken for skin or hair; the style itself has none.
BACKGROUNDS = ["#b6e3f4", "#c0aede", "#d1d4f9", "#ffd5dc", "#ffdfbf"]
# Larger than the style draws them, and lower: at 64 pixels eyes and mouth need what they can get.
SCALE, DOWN = 1.35, 10


@dataclass(frozen=True)
class Avatars:
    """Cartoon faces drawn on this machine; no download."""

    count: int = COUNT
    """how many; the first ones of a larger set are the same pictures"""
    size: int = 64
    """side of the pictures, pixels"""
    seed: int = 0
    """names the faces: avatar i of a seed is always the same picture"""

    @property
    def name(self) -> str:
        """Of the set: avatars64, and what differs from the usual."""
        parts = [f"avatars{self.size}"]
        parts += [str(self.count)] if self.count != COUNT else []
        parts += [f"seed{self.seed}"] if self.seed else []
        return "-".join(parts)

    def job(self) -> Job:
        """List the avatars; raises BookError for a count or size below 1, or missing packages."""
        if self.count < 1 or self.size < 8:
            raise BookError("--count must be at least 1, and --size at least 8.")
        try:
            tools = {name: version(name) for name in _PACKAGES}
        except ImportError as error:
            raise BookError(
                f"drawing avatars needs the package {error.name}: install the book with its extra "
                "'prep', as `make lab` does."
            ) from error
        return Job(
            name=self.name,
            shape=(3, self.size, self.size),
            items=[Item(f"{self.seed}-{i}", i) for i in range(self.count)],
            make=self._make,
            facts={
                "source": "drawn by DiceBear from the style toon-head, rendered by resvg",
                "licence": "CC BY 4.0",
                "attribution": "Remix of ToonHead by Johan Melin, licensed under CC BY 4.0",
                "framing": f"head and shoulders, enlarged {SCALE} times",
                "options": {"size": self.size, "seed": self.seed},
                "tools": tools,
            },
        )

    def _make(self, item: Item) -> Made:
        import resvg_py
        from dicebear import Avatar

        options = {
            "seed": item.name,
            "backgroundColor": BACKGROUNDS,
            "scale": SCALE,
            "translateY": DOWN,
        }
        svg = Avatar(_style(), options).to_string()
        # no system fonts: they differ between machines, and the style has no text
        png = resvg_py.svg_to_bytes(
            svg_string=svg, width=self.size, height=self.size, skip_system_fonts=True
        )
        return Made(pixels(decode(bytes(png))))


@lru_cache(maxsize=1)  # parsed once a process: it takes longer than a hundred avatars
def _style() -> Any:
    from dicebear import Style

    definition = (files("dicebear_styles") / f"{STYLE}.json").read_text(encoding="utf-8")
    return Style(json.loads(definition))
