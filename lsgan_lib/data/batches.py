"""Batches drawn on the device, from a position that is one number.

Which image comes next is a function of (seed, images shown so far) alone. So a run can stop at any
step and go on, on another day or device, with exactly the batches it would have had.

A GPU works through a queue that the host fills; reading one number back would let it run dry. So
nothing here reads from the device, and what goes up goes through pinned memory, for which the host
need not wait.
"""

from typing import Protocol

import torch
from torch import Tensor

from lsgan_lib.data.image_set import to_float
from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.errors import BookError

Shard = tuple[int, int]
"""(rank, size): of `size` processes, the one that gets the rank-th part of every batch"""


class Stream(Protocol):
    """What the training loop asks of its data."""

    @property
    def epoch(self) -> int:
        """Images in an epoch."""

    def at(self, shown: int) -> Tensor:
        """The batch that follows after `shown` images, on the device."""

    def close(self) -> None:
        """Give back what the stream holds beside the images; the next `at` takes it again."""


class Order:
    """Which images a batch holds and which of them are mirrored: functions of seed and position.

    Every image comes once an epoch, in a new order each time. A batch may hold the end of one
    epoch and the start of the next, so none is dropped and none is short.

    count: images in the set. batch_size: images in the batch of all processes together. shard: only
    the rows [rank * b, (rank + 1) * b) of it are told, b = batch_size / size. Raises BookError
    where the size does not divide the batch.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        *,
        seed: int,
        flip: bool,
        shard: Shard,
        device: torch.device | str = "cpu",
    ) -> None:
        self.count = count
        self.batch_size = batch_size
        self.seed = seed
        self.flip = flip
        self.rows = rows_of(batch_size, shard)
        self.device = torch.device(device)
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.long)  # of that epoch, on the device

    def images(self, shown: int) -> Tensor:
        """Numbers of the images that follow after `shown`: int64 (b,), on the device."""
        first, last = shown + self.rows.start, shown + self.rows.stop
        pieces = []
        while first < last:  # a piece ends with its epoch
            epoch, start = divmod(first, self.count)
            piece = self._of_epoch(epoch)[start : start + last - first]
            pieces.append(piece)
            first += len(piece)
        return torch.cat(pieces) if len(pieces) > 1 else pieces[0]

    def mirrored(self, shown: int) -> Tensor | None:
        """Which images of that batch are mirrored: bool (b,) on the host, None for never any."""
        if not self.flip:
            return None
        random = torch.Generator().manual_seed(mix(self.seed, 1, shown))
        return (torch.rand(self.batch_size, generator=random) < 0.5)[self.rows]

    def _of_epoch(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            random = torch.Generator().manual_seed(mix(self.seed, 0, epoch))
            self._order = upload(torch.randperm(self.count, generator=random), self.device)
            self._epoch = epoch
        return self._order


class Batches:
    """An endless stream over an image set that lies on the device.

    images: uint8 (N, C, H, W), moved to the device once. On the CPU they are used where they are:
    of a memory-mapped file, memory holds no more than the system's cache likes to keep. Gathering,
    mirroring and scaling to [-1, 1] happen on the device. batch_size, shard: see `Order`.
    """

    def __init__(
        self,
        images: Tensor,
        batch_size: int,
        *,
        seed: int,
        flip: bool = False,
        device: torch.device | str = "cpu",
        shard: Shard = (0, 1),
    ) -> None:
        self.images = images.to(device)
        self.order = Order(
            len(images), batch_size, seed=seed, flip=flip, shard=shard, device=self.images.device
        )

    @property
    def epoch(self) -> int:
        """Images in the set."""
        return len(self.images)

    def at(self, shown: int) -> Tensor:
        """The batch that follows after `shown` images: float32 (b, C, H, W) in [-1, 1]."""
        pixels = self.images.index_select(0, self.order.images(shown))
        return as_batch(pixels, self.order.mirrored(shown))

    def close(self) -> None:
        """There is nothing to give back."""


class PointBatches:
    """An endless stream of fresh points of a mixture; an epoch is 100,000 of them by convention.

    batch_size, shard: see `Order`.
    """

    epoch = 100_000

    def __init__(
        self,
        mixture: Mixture,
        batch_size: int,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        shard: Shard = (0, 1),
    ) -> None:
        self.mixture = mixture
        self.batch_size = batch_size
        self.seed = seed
        self.rows = rows_of(batch_size, shard)
        self.device = torch.device(device)

    def at(self, shown: int) -> Tensor:
        """The batch that follows after `shown` points: (b, 2)."""
        random = torch.Generator().manual_seed(mix(self.seed, 0, shown))
        return upload(self.mixture.sample(self.batch_size, random)[self.rows], self.device)

    def close(self) -> None:
        """There is nothing to give back."""


def rows_of(batch_size: int, shard: Shard) -> slice:
    """A process's rows of the batch; raises BookError where they cannot be shared equally."""
    rank, size = shard
    if batch_size % size:
        raise BookError(
            f"a batch of {batch_size} cannot be shared equally by {size} processes. Choose a "
            f"batch_size that is a multiple of {size}."
        )
    each = batch_size // size
    return slice(rank * each, (rank + 1) * each)


def as_batch(pixels: Tensor, mirrored: Tensor | None) -> Tensor:
    """uint8 (b, C, H, W) on the device -> float32 in [-1, 1], each image mirrored where told.

    The values lie in memory as the networks' convolutions want them, channels last, so that none
    of them has to turn the batch round first.
    """
    if mirrored is not None:
        turned = upload(mirrored, pixels.device)[:, None, None, None]
        pixels = torch.where(turned, pixels.flip(-1), pixels)
    return to_float(pixels.to(memory_format=torch.channels_last))


def upload(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host on the device; the host does not wait for the copy to a GPU."""
    pinned = device.type == "cuda"  # only out of pinned memory can a copy run by itself
    return (tensor.pin_memory() if pinned else tensor).to(device, non_blocking=pinned)


def mix(seed: int, stream: int, step: int) -> int:
    """One 63-bit seed from three numbers, far apart for neighbours (splitmix64's finaliser)."""
    x = (seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03 + step + 1) & (2**64 - 1)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = ((x ^ (x >> shift)) * factor) & (2**64 - 1)
    return (x ^ (x >> 31)) & (2**63 - 1)
