"""Photographs of people, framed like CelebA."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import tyro

from data_prep.face_search import Search
from data_prep.framing import Framing, around_box, around_eyes
from data_prep.job import Dropped, Item, Job, Made
from data_prep.listing import listing, read
from data_prep.pictures import decode
from lsgan_lib.errors import BookError


@dataclass(frozen=True)
class Faces:
    """Faces found in photographs of your own, from a folder, a zip, or a folder of zips."""

    source: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """the folder or the zip"""
    size: int = 64
    """side of the pictures in the set, pixels"""
    align: Literal["eyes", "box"] | None = None
    """turn and scale each photograph so that the eyes are level and where CelebA's are, or take an
    upright square around the detector's box; eyes if not given, box with haar, which finds none"""
    framing: Framing = "window"
    """with aligned eyes: how much is seen. window: the face; center: a little more around it"""
    search: Annotated[Search, tyro.conf.arg(name="")] = Search()
    """how faces are looked for"""

    def job(self) -> Job:
        """List the photographs; raises BookError when there are none, or flags do not agree."""
        if self.source is None:
            raise BookError("name the photographs: --from FOLDER, or --from FILE.zip.")
        if self.size < 8:
            raise BookError(f"--size is {self.size}, but must be at least 8.")
        if self.align == "eyes" and self.search.detector == "haar":
            raise BookError(
                "--align eyes needs --detector mtcnn: haar finds faces, but not their eyes. "
                "With haar, leave --align away or say --align box."
            )
        tools = self.search.check()
        found = listing(self.source)
        options = {"size": self.size, "align": self._align} | self.search.options(self.size)
        if self._align == "eyes":
            options["framing"] = self.framing
            del options["margin"]
        return Job(
            name=f"faces{self.size}",
            shape=(3, self.size, self.size),
            items=found.items,
            make=self._make,
            facts={
                "source": "photographs of the user's own",
                "licence": "as the photographs'",
                "framing": f"eyes level, as in CelebA's framing '{self.framing}'"
                if self._align == "eyes"
                else f"square around the detector's box, {self.search.margin} added on each side",
                "options": options,
                "tools": {"pillow": version("pillow")} | tools,
            },
            refused=found.refused,
            ignored=found.ignored,
        )

    @property
    def _align(self) -> str:
        return self.align or ("box" if self.search.detector == "haar" else "eyes")

    def _make(self, item: Item) -> Made:
        image = decode(read(item.place))
        face, note = self.search.find(image, self.size)
        if self._align == "box" or face.eyes is None:
            square = around_box(face.box, self.search.margin)
        else:
            try:
                square = around_eyes(face.eyes, self.framing)
            except ValueError as error:
                raise Dropped(str(error)) from None
        return self.search.crop(image, square, self.size, note)
