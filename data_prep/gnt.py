"""The .gnt files of CASIA-HWDB: handwritten characters one after another, each with its code.

A record: its length in bytes (little-endian, 4 bytes), the character's code (2 bytes), width and
height (little-endian, 2 bytes each), then width x height grey pixels, 255 the paper.
Source: the description of the format on the databases' page, nlpr.ia.ac.cn.
"""

import os
import struct
import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

import numpy as np

from data_prep.job import Dropped
from lsgan_lib.errors import BookError, first_line

_HEADER = struct.Struct("<I2sHH")
LONGEST_SIDE = 2000
"""Pixels. Characters have one or two hundred; a damaged header may claim 65,535 a side."""


class Place(NamedTuple):
    """Where the pixels of a character lie."""

    path: str
    member: str | None
    """of the zip that `path` then is"""
    offset: int
    width: int
    height: int


class Record(NamedTuple):
    """One character as its header gives it."""

    name: str
    place: Place
    character: str
    code: bytes
    changed: int


@dataclass
class Records:
    """What was found."""

    records: list[Record] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    """(file and byte, reason)"""
    ignored: list[str] = field(default_factory=list)


def list_records(path: Path) -> Records:
    """Read the headers of a .gnt file, a zip of them, or of all in a folder, sorted by file name.

    Raises BookError when there is no such path. Whatever a file holds, what is wrong with it goes
    into `refused`; records before the damage are kept.
    """
    found = Records()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            _list_file(file, file.relative_to(path).as_posix(), found)
    elif path.is_file():
        _list_file(path, path.name, found, named=True)
    else:
        raise BookError(f"there is no file or folder {path}. --from must name one.")
    return found


def read_pixels(place: Place) -> np.ndarray:
    """The pixels of a character, uint8 (height, width); raises Dropped when they cannot be had."""
    count = place.width * place.height
    try:
        file = _open(place.path, place.member, os.stat(place.path).st_mtime_ns)
        file.seek(place.offset)
        content = file.read(count)
    except FileNotFoundError:
        raise BookError(
            f"{place.path} is no longer there. Run the same command again when it is back: "
            "finished work is kept."
        ) from None
    except Exception as error:  # a zip that has changed raises many kinds
        raise Dropped(f"cannot be read ({first_line(error, 100)})") from None
    if len(content) != count:
        raise Dropped("the file ends within its pixels")
    return np.frombuffer(content, np.uint8).reshape(place.height, place.width)


@lru_cache(maxsize=4)  # in each worker process; characters come in the order of the files
def _open(path: str, member: str | None, changed: int) -> IO[bytes]:
    return open(path, "rb") if member is None else zipfile.ZipFile(path).open(member)


def _list_file(path: Path, name: str, found: Records, named: bool = False) -> None:
    suffix = path.suffix.lower()
    if path.name.startswith(".") or not (named or suffix in (".gnt", ".zip")):
        found.ignored.append(name)
        return
    try:
        changed = path.stat().st_mtime_ns
        if suffix == ".zip":
            _list_zip(path, name, changed, found)
            return
        with open(path, "rb") as file:
            _walk(file, path.stat().st_size, name, (str(path), None, changed), found)
    except OSError as error:
        found.refused.append((name, f"cannot be read ({error.strerror or error})"))


def _list_zip(path: Path, name: str, changed: int, found: Records) -> None:
    with open(path, "rb") as file:
        if file.read(3) == b"ALZ":  # so the databases' page serves some of its "zips"
            found.refused.append((name, "an ALZip archive despite its name: unpack it with unalz"))
            return
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # a damaged table of contents raises many kinds
        found.refused.append((name, f"no zip, or a damaged one ({first_line(error, 100)})"))
        return
    seen: set[str] = set()
    with archive:
        for member in sorted(archive.infolist(), key=lambda m: m.filename):
            inside = f"{name}/{member.filename}"
            base = PurePosixPath(member.filename).name
            if member.is_dir():
                continue
            if base.startswith(".") or not base.lower().endswith(".gnt"):
                found.ignored.append(inside)
                continue
            if member.filename in seen:
                found.refused.append((inside, "the zip holds two files of this name"))
                continue
            seen.add(member.filename)
            part = Records()
            try:
                with archive.open(member) as file:
                    key = (str(path), member.filename, member.CRC)
                    _walk(file, member.file_size, inside, key, part)
                    while file.read(2**20):  # to the end, where zipfile compares the checksum
                        pass
            except Exception as error:  # zipfile raises many kinds for a damaged member
                # Where the damage is, its checksum does not say: none of it can be trusted.
                part = Records(refused=[(inside, f"damaged in the zip ({first_line(error, 100)})")])
            found.records += part.records
            found.refused += part.refused


def _walk(
    file: IO[bytes], length: int, name: str, key: tuple[str, str | None, int], found: Records
) -> None:
    """Go from header to header. `key`: path, member of the zip, time of the last change."""
    path, member, changed = key

    def refuse(why: str) -> None:
        found.refused.append((f"{name} at byte {offset}", why))

    offset = 0
    if length == 0:
        found.refused.append((name, "empty file (0 bytes)"))
    while offset < length:
        file.seek(offset)
        header = file.read(_HEADER.size)
        problem = _problem(header, length - offset)
        if problem and offset == 0:
            found.refused.append((name, f"no gnt file, or damaged from its start: {problem}"))
            return
        if problem:
            refuse(f"{problem}; {length - offset:,} bytes from here on are not used")
            return
        size, code, width, height = _HEADER.unpack(header)
        character = _character(code)
        if character is None:
            refuse(f"its code {code.hex()} is no character of GBK")
        elif max(width, height) > LONGEST_SIDE:
            refuse(f"{width} x {height} pixels are no character")
        else:
            place = Place(path, member, offset + _HEADER.size, width, height)
            record = Record(f"{name} at byte {offset}", place, character, code, changed)
            found.records.append(record)
        offset += size


def _problem(header: bytes, left: int) -> str | None:
    """What makes a header impossible: then it is not known where the next one is, either."""
    if len(header) < _HEADER.size:
        return f"the file ends within a header, after {len(header)} bytes"
    size, _, width, height = _HEADER.unpack(header)
    if width == 0 or height == 0:
        return f"a picture of {width} x {height} pixels"
    if size != _HEADER.size + width * height:
        return f"{width} x {height} pixels do not make a record of {size} bytes"
    if size > left:
        return f"the file ends within a record, after {left} of {size} bytes"
    return None


def _character(code: bytes) -> str | None:
    """The character of a code; a code of one byte is filled up with a zero."""
    try:
        text = code.rstrip(b"\0").decode("gbk")
    except UnicodeDecodeError:
        return None
    return text if len(text) == 1 and text.isprintable() else None
