"""Any pictures: a folder with or without class sub-folders, a zip, or a folder of zips."""

import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import tyro

from data_prep.job import Item, Job, Made
from data_prep.listing import listing, read
from data_prep.pictures import Fit, decode, fit, pixels, too_small
from lsgan_lib.errors import BookError


@dataclass(frozen=True)
class Folder:
    """Pictures of your own, from a folder, a zip, or a folder of zips."""

    source: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """the folder or the zip"""
    name: str | None = None
    """of the set; the folder's or the zip's name with the size if not given"""
    size: int = 64
    """side of the pictures in the set, pixels"""
    grey: bool = False
    """one channel instead of three"""
    fit: Fit = "crop"
    """crop the largest square in the middle, or squash the whole picture into the square"""
    smallest: int | None = None
    """drop pictures whose shorter side has fewer pixels; half of --size if not given"""
    labels: Literal["auto", "folders", "none"] = "auto"
    """label pictures by their top sub-folder; auto: where all lie in sub-folders, two or more"""

    def job(self) -> Job:
        """List the pictures; raises BookError when there are none, or --labels cannot be."""
        if self.source is None:
            raise BookError("name the pictures: --from FOLDER, or --from FILE.zip.")
        if self.name is not None and (Path(self.name).name != self.name or self.name[0] == "."):
            raise BookError(f"--name {self.name} is no name of a set; --out names a folder.")
        if self.smallest is not None and self.smallest < 1:
            raise BookError(f"--smallest is {self.smallest}, but must be at least 1.")
        if self.size < 4:
            raise BookError(f"--size is {self.size}, but must be at least 4.")
        found = listing(self.source)
        classes = self._classes(found.folders)
        items = found.items
        if classes is not None:
            number = {name: i for i, name in enumerate(classes)}
            items = [
                Item(item.name, item.place, number[str(folder)], item.size, item.changed)
                for item, folder in zip(items, found.folders, strict=True)
            ]
        options = {"size": self.size, "grey": self.grey, "fit": self.fit, "smallest": self.smallest}
        return Job(
            name=self.name or _name(self.source, self.size),
            shape=(1 if self.grey else 3, self.size, self.size),
            items=items,
            make=self._make,
            facts={
                "source": "pictures of the user's own",
                "licence": "as the pictures'",
                "framing": "largest square in the middle"
                if self.fit == "crop"
                else "the whole picture, squashed into a square",
                "options": options,
                "tools": {"pillow": version("pillow")},
            },
            classes=classes,
            refused=found.refused,
            ignored=found.ignored,
        )

    def _classes(self, folders: list[str | None]) -> list[str] | None:
        names = sorted({name for name in folders if name is not None})
        everywhere = None not in folders
        if self.labels == "folders" and not (names and everywhere):
            raise BookError(
                "--labels folders needs every picture in a sub-folder, whose name is its class."
            )
        wanted = self.labels == "folders" or (
            self.labels == "auto" and everywhere and len(names) > 1
        )
        return names if wanted else None

    def _make(self, item: Item) -> Made:
        image = decode(read(item.place), channels=1 if self.grey else 3)
        too_small(image, self.size, self.smallest)
        return Made(pixels(fit(image, self.size, how=self.fit)))


def _name(source: Path, size: int) -> str:
    path = Path(source).expanduser().resolve()
    name = path.stem if path.is_file() else path.name
    already = re.search(r"(?<!\d)\d+$", name)
    return name if already and int(already[0]) == size else f"{name}{size}"
