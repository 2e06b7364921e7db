"""Handwritten Chinese characters: CASIA-HWDB, from its .gnt files."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from PIL import Image

from data_prep.gnt import Record, list_records, read_pixels
from data_prep.job import Item, Job, Made
from data_prep.pictures import fit, pixels
from lsgan_lib.errors import BookError

_PAPER = 255


@dataclass(frozen=True)
class HWDB:
    """CASIA-HWDB: handwritten Chinese characters, grey, with labels."""

    source: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """a folder of .gnt files, one such file, or a zip of them"""
    size: int = 28
    """side of the pictures in the set, pixels"""
    classes: int | None = None
    """only the first so many characters, in the order of their codes; all if not given"""
    symbols: bool = False
    """also the letters, digits and signs, after the Chinese characters"""
    white_paper: bool = False
    """dark strokes on white as scanned; else white strokes on black, as MNIST has them"""

    def job(self) -> Job:
        """List the characters by their headers; raises BookError when there are none."""
        if self.source is None:
            raise BookError("name the characters: --from FOLDER of .gnt files, or --from FILE.gnt.")
        if self.size < 4:
            raise BookError(f"--size is {self.size}, but must be at least 4.")
        found = list_records(Path(self.source).expanduser())
        codes = sorted({record.code for record in found.records}, key=_rank)
        codes = [code for code in codes if self.symbols or not _is_symbol(code)]
        if not codes:
            first = f" {found.refused[0][0]}: {found.refused[0][1]}." if found.refused else ""
            raise BookError(f"{self.source} holds no usable characters of .gnt files.{first}")
        if self.classes is not None and not 1 <= self.classes <= len(codes):
            raise BookError(
                f"--classes is {self.classes}, but {self.source} holds {len(codes)} characters."
            )
        number = {code: i for i, code in enumerate(codes[: self.classes])}
        character = {record.code: record.character for record in found.records}
        return Job(
            name=f"hwdb{self.size}",
            shape=(1, self.size, self.size),
            items=[
                _item(record, number[record.code])
                for record in found.records
                if record.code in number
            ],
            make=self._make,
            facts={
                "source": "isolated handwritten characters of CASIA-HWDB",
                "licence": "free for academic research only (CASIA)",
                "attribution": "Liu, Yin, Wang, Wang: CASIA Online and Offline Chinese Handwriting "
                "Databases, ICDAR 2011",
                "framing": "the whole character, padded with paper to a square, resized; "
                + ("dark strokes on white" if self.white_paper else "white strokes on black"),
                "options": {
                    "size": self.size,
                    "classes": self.classes,
                    "symbols": self.symbols,
                    "white_paper": self.white_paper,
                },
                "tools": {"pillow": version("pillow")},
            },
            classes=[character[code] for code in number],
            refused=found.refused,
            ignored=found.ignored,
        )

    def _make(self, item: Item) -> Made:
        ink = read_pixels(item.place)
        height, width = ink.shape
        side = max(height, width)
        square = np.full((side, side), _PAPER, np.uint8)
        top, left = (side - height) // 2, (side - width) // 2
        square[top : top + height, left : left + width] = ink
        picture = pixels(fit(Image.fromarray(square), self.size))
        return Made(picture if self.white_paper else _PAPER - picture)


def _item(record: Record, label: int) -> Item:
    place = record.place
    size = place.width * place.height
    return Item(record.name, place, label, size=size, changed=record.changed)


def _is_symbol(code: bytes) -> bool:
    return not "\u4e00" <= code.rstrip(b"\0").decode("gbk") <= "\u9fff"


def _rank(code: bytes) -> tuple[bool, bool, bytes]:
    """Characters of GB2312 by code, then the others of GBK, then symbols.

    So the first 3,740 of HWDB1.0 are those of GB2312's first level, the common ones.
    """
    in_gb2312 = code[0] >= 0xB0 and code[1] >= 0xA1
    return _is_symbol(code), not in_gb2312, code
