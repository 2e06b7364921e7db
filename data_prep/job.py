"""What a source hands to the packer: the list of what there is, and how to make one picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


class Dropped(Exception):
    """This picture cannot be used. The text is the reason, as it will stand in the report."""


@dataclass(frozen=True, slots=True)  # there may be millions
class Item:
    """One picture to come, before anything of it was read."""

    name: str
    """what the report calls it; unique within the job"""
    place: Any = None
    """whatever `make` needs to find it; small, and picklable"""
    label: int | None = None
    size: int = 0
    """bytes, where there are any: part of the job's identity"""
    content: int = 0
    """a checksum of the bytes where the source knows one unread: part of the job's identity"""
    changed: int = 0
    """time of the last change, ns: a job that goes on later must find the same files"""


@dataclass(frozen=True)
class Made:
    """A picture as it goes into the set."""

    pixels: np.ndarray
    """uint8 (C, H, W)"""
    note: str = ""
    """what the report should say although the picture was kept: "3 faces, kept the largest"
    """


@dataclass(frozen=True)
class Job:
    """A set to be made. Everything in it is picklable, since worker processes get it whole."""

    name: str
    """of the set, which is also its folder's name where --out gives no other"""
    shape: tuple[int, int, int]
    """(C, H, W) of every picture"""
    items: Sequence[Item]
    """in the order of the set"""
    make: Callable[[Item], Made]
    """raises Dropped; anything else it raises ends the job"""
    facts: dict[str, Any]
    """for the manifest: source, licence, attribution, framing, options, tools - no times, no paths
    of this machine, so that the same input gives the same bytes"""
    classes: Sequence[str] | None = None
    """names of the labels 0, 1, ..., where items have labels"""
    refused: Sequence[tuple[str, str]] = ()
    """(name, reason) of what was found to be unusable while listing"""
    ignored: Sequence[str] = ()
    """files that are no pictures and do not claim to be"""
    parallel: bool = True
    """False where the pictures already lie in memory and processes would only copy them"""
