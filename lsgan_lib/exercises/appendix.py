"""Checks of the exercises in the appendix, *Prepare faces*."""

from __future__ import annotations

import cmath
from typing import Any

import torch

from lsgan_lib.exercises import (
    Unusable,
    Verdict,
    choice,
    close,
    correct,
    exercise,
    not_yet,
    number,
    result,
)
from lsgan_lib.files import read_json
from lsgan_lib.folders import ASSETS


@exercise("A.1")
def check_a_1(widths: Any, side: Any) -> Verdict:
    """Windows of factor 2 within 178 x 218, and the smallest square that has 24 * 5 * 5."""
    try:
        listed = [float(width) for width in widths]
    except TypeError:
        raise Unusable("the widths are asked for as a list, such as [24, 120]") from None
    if 192.0 in listed:
        return not_yet("192 pixels fit into the height, but a window must fit into the width, too")
    if listed != [24.0, 48.0, 96.0]:
        return not_yet("start at 24 and double, for as long as the shorter side has room")
    if number(side) != 600:
        return not_yet("which width comes after 24 and 120?")
    return correct("24, 48 and 96; and nobody is found with factor 5 between 120 and 600 pixels")


@exercise("A.2")
def check_a_2(align: Any) -> Verdict:
    """w = a z + b through two points, tried on turns, scales and shifts that are known."""
    targets = (69.5 + 111.5j, 108.5 + 111.5j)
    for turn, scale, shift in ((0.0, 2.0, 0j), (0.5, 1.5, 30 - 20j), (-1.2, 0.4, 7 + 9j)):
        back = cmath.rect(scale, turn)  # the photograph is the target, turned, scaled and moved
        eyes = (back * targets[0] + shift, back * targets[1] + shift)
        answer = result(align, eyes, targets)
        try:
            a, b = (complex(part) for part in answer)
        except (TypeError, ValueError):
            raise Unusable("return two complex numbers, a and b") from None
        if not close(abs(a), 1 / scale, within=1e-6):
            return not_yet("|a| is the targets' distance, divided by the distance of the eyes")
        if not close(abs(a - 1 / back), 0.0, within=1e-6):
            return not_yet("the size of a is right, but not its turn: divide differences")
        if not close(abs(a * eyes[0] + b - targets[0]), 0.0, within=1e-6):
            return not_yet("a is right. Now choose b so that the first eye meets its target")
    return correct("two points are enough: one difference for a, one point for b")


@exercise("A.3")
def check_a_3(mtcnn: Any, haar: Any, why: Any) -> Verdict:
    """Photographs lost in the recorded calls, and what most of mtcnn's losses are due to."""
    first, second = read_json(ASSETS / "data" / "fairface_240.json")["calls"][:2]
    if number(mtcnn) != first["found"] - first["kept"]:
        return not_yet("mtcnn: take what was kept from what was found")
    if number(haar) != second["found"] - second["kept"]:
        return not_yet("Haar is the second call, with factor 1.1")
    if choice(why, ("detector", "framing")) != "framing":
        return not_yet('look at ["dropped"]: how many did the detector itself miss?')
    return correct("it found nearly all; the crop that we asked for did not fit the photographs")


@exercise("A.4")
def check_a_4(held_out: Any) -> Verdict:
    """A split in which no person is on both sides."""
    random = torch.Generator().manual_seed(8)
    for share in (0.2, 0.5):
        # Persons with one to nine pictures each, in no order, and numbers with gaps.
        counts = torch.randint(1, 10, (100,), generator=random)
        persons = torch.repeat_interleave(torch.arange(100) * 7 + 3, counts)
        persons = persons[torch.randperm(len(persons), generator=random)]
        mask = torch.as_tensor(result(held_out, persons, share))
        if mask.dtype != torch.bool or mask.shape != persons.shape:
            raise Unusable("return one True or False for each picture, as a tensor")
        test, train = set(persons[mask].tolist()), set(persons[~mask].tolist())
        if both := test & train:
            return not_yet(f"{len(both)} of 100 persons are on both sides")
        if not close(len(test) / 100, share, within=0.1):
            return not_yet(f"{len(test)} of 100 persons are held out, with a share of {share}")
    return correct("who is in the test was never seen in training")


@exercise("A.5")
def check_a_5(copies: Any) -> Verdict:
    """Planted pairs: one with noise, one mirrored; nothing else is near."""
    random = torch.Generator().manual_seed(5)
    images = torch.rand(12, 3, 16, 16, generator=random) * 2 - 1
    images[7] = images[2] + 0.02 * torch.randn(3, 16, 16, generator=random)
    images[10] = images[4].flip(-1)
    try:
        pairs = {tuple(sorted(int(i) for i in pair)) for pair in result(copies, images, 0.1)}
    except (TypeError, ValueError):
        raise Unusable("return pairs of row numbers, such as {(2, 7)}") from None
    if any(len(set(pair)) < 2 for pair in pairs):
        return not_yet("a picture is no copy of itself: skip_same=True")
    if pairs == {(2, 7)}:
        return not_yet("the plain copy is found. Look at mirrored pictures as well: flip(-1)")
    if pairs == {(4, 10)}:
        return not_yet("the mirrored copy is found, but not the plain one")
    if pairs != {(2, 7), (4, 10)}:
        return not_yet(f"two pairs were planted and should be found, you found {len(pairs)}")
    return correct("a plain copy and a mirrored one. What would you do about a shifted one?")
