"""Packed image sets as tensors: uint8 pixels, labels, and a manifest that says what they are.

How a set lies on the disk is the subject of ``lsgan_lib.packed``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lsgan_lib import packed
from lsgan_lib.errors import BookError
from lsgan_lib.packed import FORMAT, Packed, label_type, read_packed, write_packed


@dataclass(frozen=True)
class ImageSet:
    """Images as they lie on the disk, with the facts about them."""

    images: Tensor
    """uint8 (N, C, H, W)"""
    labels: Tensor | None
    """int64 (N,) or None"""
    manifest: dict[str, Any]
    """name, count, shape, source, licence, sha256 and whatever else the maker wrote"""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def name(self) -> str:
        """What the set is called."""
        return self.manifest["name"]

    def first(self, count: int) -> "ImageSet":
        """The first `count` images as a set of their own, for quick trials.

        Raises BookError for a count that the set does not hold.
        """
        if not 1 <= count <= len(self):
            raise BookError(f"{self.name} holds {len(self)} images, so {count} cannot be taken.")
        labels = None if self.labels is None else self.labels[:count]
        images = self.images[:count]
        facts = {"count": count, "shape": list(images.shape), "sha256": checksum(images)}
        return ImageSet(images, labels, self.manifest | facts)


def to_float(images: Tensor) -> Tensor:
    """uint8 pixels 0..255 -> float32 in [-1, 1], the generators' range."""
    return images.float().div_(127.5).sub_(1)


def to_uint8(images: Tensor) -> Tensor:
    """Images in [-1, 1] -> uint8 pixels 0..255, rounded; values outside are clamped."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def checksum(images: Tensor) -> str:
    """SHA-256 of the pixels in order."""
    return packed.checksum(images.numpy())


def make_set(images: Tensor, labels: Tensor | None = None, **facts: Any) -> ImageSet:
    """An image set from tensors in memory; facts should give name, source and licence.

    images: uint8 (N, C, H, W). labels: integers (N,). Raises BookError for other shapes or types.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or 0 in images.shape:
        raise BookError(
            f"an image set holds uint8 pixels of shape (N, C, H, W), not {images.dtype} "
            f"{tuple(images.shape)}. Convert images in [-1, 1] with to_uint8 first."
        )
    if labels is not None and labels.shape != images.shape[:1]:
        raise BookError(f"{len(images)} images need as many labels, not {tuple(labels.shape)}.")
    manifest = {
        "format": FORMAT,
        "name": facts.pop("name", "unnamed"),
        "count": len(images),
        "shape": list(images.shape),
        "source": facts.pop("source", "made in memory"),
        "licence": facts.pop("licence", "unknown"),
        "sha256": checksum(images),
        **facts,
    }
    return ImageSet(images, None if labels is None else labels.long(), manifest)


def write_set(folder: Path, images: ImageSet, *, compressed: bool = False) -> None:
    """Write a set into a folder, the manifest last: a folder without one is not a set.

    compressed: one images.npz, smaller but read into memory as a whole.
    """
    labels = None
    if images.labels is not None:
        labels = images.labels.numpy().astype(label_type(int(images.labels.max()) + 1))
    write_packed(
        folder, Packed(images.images.numpy(), labels, images.manifest), compressed=compressed
    )


def read_set(folder: Path, *, verify: bool = False) -> ImageSet:
    """Read the set in a folder; pixels of images.npy stay on the disk until they are used.

    verify: also compare pixels and labels with the manifest's checksums (reads all of them).
    Raises BookError, naming the folder, where something is missing, damaged or not as the manifest
    says.
    """
    found = read_packed(folder, verify=verify)
    labels = None if found.labels is None else torch.from_numpy(found.labels).long()
    return ImageSet(torch.from_numpy(found.images), labels, found.manifest)
