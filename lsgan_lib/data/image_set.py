"""Packed image sets: one array of uint8 pixels and a manifest that says what they are.

A set is a folder:

    manifest.json   name, count, shape, source, licence, sha256 of the pixels, ...
    images.npy      uint8 (N, C, H, W), memory-mapped; or images.npz, compressed, for small sets
    labels.npy      uint8 (N,), only when there are labels; images.npz holds its own

Channels stand before rows because that is how the networks take them: a batch is one gather and
needs no transpose. uint8 keeps a set at a quarter of its size in float32.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lsgan_lib.errors import BookError
from lsgan_lib.files import atomic, read_json, sha256, write_json

FORMAT = 1
"""Version of the layout above, kept in the manifest."""


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
    return images.float() / 127.5 - 1


def to_uint8(images: Tensor) -> Tensor:
    """Images in [-1, 1] -> uint8 pixels 0..255, rounded; values outside are clamped."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def checksum(images: Tensor) -> str:
    """SHA-256 of the pixels in order."""
    return sha256(np.ascontiguousarray(images.numpy()).data.cast("B"))


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
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"images": images.images.numpy()}
    if images.labels is not None:
        arrays["labels"] = images.labels.numpy().astype(np.uint8)
    if compressed:
        with atomic(folder / "images.npz") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    else:
        for name, array in arrays.items():
            with atomic(folder / f"{name}.npy") as file:
                np.save(file, array)
    write_json(folder / "manifest.json", images.manifest)


def read_set(folder: Path, *, verify: bool = False) -> ImageSet:
    """Read the set in a folder; pixels of images.npy stay on the disk until they are used.

    verify: also compare the pixels with the manifest's checksum (reads all of them).
    Raises BookError, naming the file, where something is missing, damaged or not as the manifest
    says.
    """
    folder = Path(folder)
    if not (folder / "manifest.json").is_file():
        raise BookError(f"{folder} is not a packed image set: it has no manifest.json.")
    manifest = read_json(folder / "manifest.json")
    try:
        if (folder / "images.npz").is_file():
            with np.load(folder / "images.npz") as arrays:
                pixels, labels = arrays["images"], arrays.get("labels")
        else:
            # Copy-on-write: torch wants writable memory, and the file must never change.
            pixels = np.load(folder / "images.npy", mmap_mode="c")
            path = folder / "labels.npy"
            labels = np.load(path) if path.is_file() else None
        name, shape = manifest["name"], list(manifest["shape"])
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BookError(
            f"the image set in {folder} is damaged ({reason}). Delete the folder and make it again."
        ) from error
    if pixels.dtype != np.uint8 or list(pixels.shape) != shape:
        raise BookError(
            f"the manifest in {folder} promises uint8 {shape}, the file holds {pixels.dtype} "
            f"{list(pixels.shape)}. Delete the folder and make the set again."
        )
    if labels is not None and (labels.dtype != np.uint8 or labels.shape != pixels.shape[:1]):
        raise BookError(
            f"{name} in {folder} needs one uint8 label for each of {len(pixels)} images, the file "
            f"holds {labels.dtype} {list(labels.shape)}. Delete the folder and make the set again."
        )
    images = torch.from_numpy(pixels)
    if verify and checksum(images) != manifest.get("sha256"):
        raise BookError(
            f"the pixels in {folder} do not match their checksum. Delete the folder and make the "
            "set again."
        )
    return ImageSet(images, None if labels is None else torch.from_numpy(labels).long(), manifest)
