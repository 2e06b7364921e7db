"""What the small classic sets share: pictures in memory, and where their files come from."""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import tyro
from PIL import Image

from data_prep.fetch import fetch
from data_prep.job import Item, Job, Made
from data_prep.pictures import fit
from data_prep.pictures import pixels as pixels_of
from lsgan_lib.errors import BookError
from lsgan_lib.folders import data_folder

_DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Pictures:
    """Pictures in memory, and how they go into the set."""

    pixels: np.ndarray
    """uint8 (N, C, H, H)"""
    size: int

    def make(self, item: Item) -> Made:
        """The picture as it is, or resized."""
        picture = np.ascontiguousarray(self.pixels[item.place])
        if picture.shape[1] == self.size:
            return Made(picture)
        image = Image.fromarray(picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0))
        return Made(pixels_of(fit(image, self.size)))


@dataclass(frozen=True)
class Classic:
    """A set of labelled pictures in a few files with known checksums. Subclasses say which."""

    source: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """folder that holds the files already; without it they are downloaded"""
    split: str = "train"
    """which part of the set"""
    size: int = 28
    """side of the pictures in the set, pixels"""

    title: ClassVar[str]
    folder: ClassVar[str]
    """of the downloads, within the data folder; also the set's name"""
    native: ClassVar[int] = 28
    channels: ClassVar[int] = 1
    classes: ClassVar[Sequence[str]] = _DIGITS
    origin: ClassVar[str]
    licence: ClassVar[str]
    attribution: ClassVar[str]

    def job(self) -> Job:
        """Read the split, downloading it if need be; raises BookError when it cannot be had."""
        if self.size < 4:
            raise BookError(f"--size is {self.size}, but must be at least 4.")
        pixels, labels = self._read(self._home())
        fits = pixels.shape[1:] == (self.channels, self.native, self.native)
        if not (fits and len(pixels) and labels.shape == pixels.shape[:1]):
            raise BookError(
                f"the files of {self.title} hold {pixels.shape} and {labels.shape}, which are not "
                "its pictures and labels. Delete them and fetch them again."
            )
        if labels.max() >= len(self.classes):
            raise BookError(
                f"the files of {self.title} hold a label {labels.max()}, but its classes are 0 to "
                f"{len(self.classes) - 1}. Delete them and fetch them again."
            )
        native = self.size == self.native
        items = [
            Item(
                f"{self.split} {i}",
                i,
                int(labels[i]),
                size=pixels[i].size,
                content=zlib.crc32(pixels[i].tobytes()),
            )
            for i in range(len(pixels))
        ]
        return Job(
            name=f"{self.folder}-{self.split}" + ("" if native else f"-{self.size}"),
            shape=(self.channels, self.size, self.size),
            items=items,
            make=Pictures(pixels, self.size).make,
            facts={
                "source": f"{self.title}, {self.split} split: {self.origin}",
                "licence": self.licence,
                "attribution": self.attribution,
                "framing": "as in the files"
                if native
                else f"whole pictures of {self.native} x {self.native} pixels, resized",
                "options": {"split": self.split, "size": self.size},
                "tools": {} if native else {"pillow": version("pillow")},
            },
            classes=self.classes,
            parallel=False,
        )

    def _home(self) -> Path:
        """The folder that has the files, after a download where that is wanted and needed."""
        if self.source is not None:
            home = Path(self.source).expanduser()
            if not home.is_dir():
                raise BookError(f"--from names {home}, which is no folder.")
            if not self._is_in(home):
                raise BookError(
                    f"{home} does not hold {self.title}: {self._wanted()} should be there. Leave "
                    "--from out to download the set."
                )
            return home
        home = data_folder() / self.folder
        if not self._is_in(home):
            for urls, name, md5 in self._downloads():
                if not (home / name).is_file():
                    fetch(
                        urls,
                        md5,
                        home / name,
                        by_hand=f"Try again later, or get {self._wanted()} by hand, for instance "
                        f"from {urls[0]}, put it into a folder, and name that folder with --from.",
                    )
        return home

    def _is_in(self, home: Path) -> bool:
        """Whether a folder has the files of the split."""
        raise NotImplementedError

    def _wanted(self) -> str:
        """The names of the files, for a sentence."""
        raise NotImplementedError

    def _downloads(self) -> list[tuple[list[str], str, str]]:
        """(addresses, file name, md5) of each file, as torchvision knows them."""
        raise NotImplementedError

    def _read(self, home: Path) -> tuple[np.ndarray, np.ndarray]:
        """Pixels uint8 (N, C, H, W) and labels (N,)."""
        raise NotImplementedError


def checked(path: Path, md5: str) -> bytes:
    """The content of a file, which has this md5; raises BookError where it has another."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BookError(f"{path} cannot be read ({error.strerror or error}).") from error
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise BookError(
            f"{path} is not the file that its publishers made: its md5 checksum is not {md5}. It "
            "is damaged, or was not downloaded to its end. Delete it and fetch it again."
        )
    return content
