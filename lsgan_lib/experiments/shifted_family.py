"""All pictures that a set of small variability could hold: ten digits, every shift, every angle.

Of photographs nobody knows all; of ten digits that are moved a little we do. So two questions that
are usually guessed at have answers here: how far is a sample from the nearest picture that could be
in the set, and which of these pictures does a generator never make?
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data_prep.digits_shifted import DigitsShifted, moved
from data_prep.job import Item
from lsgan_lib.data.image_set import ImageSet, make_set, to_float
from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.training.distance import sliced_wasserstein, spread

SHIFT_STEP = 0.125
"""Pixels between two neighbours of the family's grid."""
ANGLE_STEP = 1.0
"""Degrees between two neighbours of the family's grid."""
TOLERANCE = 0.5
"""A sample is on the family when it is no further from it than a shift by so many pixels moves a
picture (`ShiftedFamily.tolerance`)."""


def pictures(source: DigitsShifted, first: int = 0) -> ImageSet:
    """The set as `lsgan data digits-shifted` would pack it, made in memory; count times ten.

    first: index of the first picture of each digit; pictures from `source.count` on are in the
    family, but not in the set.
    """
    job = source.job()
    items = [
        Item(item.name, (item.place[0], item.place[1] + first), item.label) for item in job.items
    ]
    pixels = np.stack([job.make(item).pixels for item in items])
    labels = torch.tensor([item.label for item in items])
    return make_set(torch.from_numpy(pixels), labels, name=job.name, **job.facts)


@dataclass(frozen=True)
class ShiftedFamily:
    """A grid over the family, close enough that the next grid point is a good nearest point."""

    images: Tensor
    """float (N, 1, 28, 28) in [-1, 1]"""
    digit: Tensor
    """which digit, int64 (N,)"""
    shift: Tensor
    """pixels to the right, (N,)"""
    angle: Tensor
    """degrees anticlockwise, (N,)"""
    tolerance: float
    """root mean square pixel difference that a shift by TOLERANCE makes, mean over the digits"""

    @classmethod
    def of(cls, source: DigitsShifted) -> "ShiftedFamily":
        """The family of a set: from -shift to shift, from 0 to rotate degrees, both included."""
        still = DigitsShifted(count=1, shift=0, rotate=0)
        digits = pictures(still).images.squeeze(1).numpy()
        shifts = _line(-source.shift, source.shift, SHIFT_STEP)
        angles = _line(0.0, source.rotate, ANGLE_STEP)
        places = [(d, s, a) for d in range(10) for s in shifts for a in angles]
        images = np.stack([moved(digits[d], s, a) for d, s, a in places])[:, None]
        aside = np.stack([moved(digit, TOLERANCE, 0.0) for digit in digits])
        here, there = (to_float(torch.from_numpy(x)) for x in (digits, aside))
        tolerance = (here - there).square().mean(dim=(1, 2)).sqrt().mean().item()
        digit, shift, angle = (torch.tensor(column) for column in zip(*places, strict=True))
        return cls(to_float(torch.from_numpy(images)), digit, shift, angle, tolerance)

    def measures(self, samples: Tensor, held: Tensor) -> dict[str, Any]:
        """How samples compare with the family and with pictures of it that were never shown.

        samples, held: float (N, 1, 28, 28) in [-1, 1], as many of each. Returns

        distance    mean distance of a sample to the family (root mean square pixel difference)
        precision   share of the samples within the tolerance of the family
        recall      share of the held pictures with a sample within the tolerance
        digits      how many of the ten are drawn: the nearest to at least 1 % of the samples,
                    those off the family left out
        shares      of all samples, by digit, those off the family left out
        shift       standard deviation of the nearest shift within a digit, mean over the digits
                    drawn, as a share of the held pictures'; 0 if none is drawn
        sliced      sliced Wasserstein distance to the held pictures
        spread      of the samples, as a share of the held pictures'
        """
        distance, row = nearest(samples, self.images)
        on = distance <= self.tolerance
        digit, shift = self.digit[row], self.shift[row]
        shares = torch.stack([((digit == d) & on).double().mean() for d in range(10)])
        drawn = (shares >= 0.01).nonzero().flatten().tolist()
        held_row = nearest(held, self.images)[1]
        true = _within(self.shift[held_row], self.digit[held_row], range(10))
        return {
            "distance": distance.mean().item(),
            "precision": on.double().mean().item(),
            "recall": (nearest(held, samples)[0] <= self.tolerance).double().mean().item(),
            "digits": len(drawn),
            "shares": [round(share, 4) for share in shares.tolist()],
            "shift": _within(shift[on], digit[on], drawn) / true if drawn else 0.0,
            "sliced": sliced_wasserstein(samples, held),
            "spread": spread(samples) / spread(held),
        }


def _line(low: float, high: float, step: float) -> list[float]:
    """From low to high, both included, in steps of at most `step`."""
    return np.linspace(low, high, round((high - low) / step) + 1).tolist()


def _within(shift: Tensor, digit: Tensor, drawn: Sequence[int]) -> float:
    """Standard deviation of the shift within a digit, mean over the digits drawn."""
    groups = [shift[digit == d].double() for d in drawn]
    return torch.stack([group.std(correction=0) for group in groups]).mean().item()
