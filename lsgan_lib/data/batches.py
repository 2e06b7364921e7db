"""Batches drawn on the device, from a position that is one number.

Which image comes next is a function of (seed, images shown so far) alone. So a run can stop at any
step and go on, on another day or device, with exactly the batches it would have had.
"""

from typing import Protocol

import torch
from torch import Tensor

from lsgan_lib.data.image_set import to_float
from lsgan_lib.data.mixtures import Mixture


class Stream(Protocol):
    """What the training loop asks of its data."""

    @property
    def epoch(self) -> int:
        """Images in an epoch."""

    def at(self, shown: int) -> Tensor:
        """The batch that follows after `shown` images, on the device."""


class Batches:
    """An endless stream over an image set: every image once an epoch, in a new order each time.

    images: uint8 (N, C, H, W). They are moved to the device once, as uint8; gathering, scaling to
    [-1, 1] and flipping happen there. A batch may hold the end of one epoch and the start of the
    next, so none is dropped and none is short.
    """

    def __init__(
        self,
        images: Tensor,
        batch_size: int,
        *,
        seed: int,
        flip: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        self.images = images.to(device)
        self.batch_size = batch_size
        self.seed = seed
        self.flip = flip
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.long)

    @property
    def epoch(self) -> int:
        """Images in the set."""
        return len(self.images)

    def at(self, shown: int) -> Tensor:
        """The batch that follows after `shown` images: float32 (batch_size, C, H, W) in [-1, 1]."""
        index = torch.cat([self._piece(*piece) for piece in self._pieces(shown)])
        batch = to_float(self.images[index.to(self.images.device)])
        if self.flip:
            random = torch.Generator().manual_seed(mix(self.seed, 1, shown))
            mirrored = torch.rand(len(batch), generator=random) < 0.5
            batch = torch.where(
                mirrored.to(batch.device)[:, None, None, None], batch.flip(-1), batch
            )
        return batch

    def _pieces(self, shown: int) -> list[tuple[int, int, int]]:
        """Split the next batch at the ends of epochs: (epoch, first, last) each."""
        pieces, left = [], self.batch_size
        while left:
            epoch, first = divmod(shown, len(self.images))
            last = min(first + left, len(self.images))
            pieces.append((epoch, first, last))
            shown, left = shown + last - first, left - (last - first)
        return pieces

    def _piece(self, epoch: int, first: int, last: int) -> Tensor:
        if epoch != self._epoch:
            random = torch.Generator().manual_seed(mix(self.seed, 0, epoch))
            self._order = torch.randperm(len(self.images), generator=random)
            self._epoch = epoch
        return self._order[first:last]


class PointBatches:
    """An endless stream of fresh points of a mixture; an epoch is 100,000 of them by convention."""

    epoch = 100_000

    def __init__(
        self,
        mixture: Mixture,
        batch_size: int,
        *,
        seed: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self.mixture = mixture
        self.batch_size = batch_size
        self.seed = seed
        self.device = device

    def at(self, shown: int) -> Tensor:
        """The batch that follows after `shown` points: (batch_size, 2)."""
        random = torch.Generator().manual_seed(mix(self.seed, 0, shown))
        return self.mixture.sample(self.batch_size, random).to(self.device)


def mix(seed: int, stream: int, step: int) -> int:
    """One 63-bit seed from three numbers, far apart for neighbours (splitmix64's finaliser)."""
    x = (seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03 + step + 1) & (2**64 - 1)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = ((x ^ (x >> shift)) * factor) & (2**64 - 1)
    return (x ^ (x >> 31)) & (2**63 - 1)
