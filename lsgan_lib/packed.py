"""The packed format on the disk, in numpy alone: whoever writes a set need not load torch.

A set is a folder:

    manifest.json   name, count, shape, source, licence, sha256 of the pixels, ...
    images.npy      uint8 (N, C, H, W), memory-mapped; or images.npz, compressed, for small sets
    labels.npy      uint8 or uint16 (N,), only when there are labels; images.npz holds its own

Channels stand before rows because that is how the networks take them: a batch is one gather and
needs no transpose. uint8 keeps a set at a quarter of its size in float32.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lsgan_lib.errors import BookError, first_line
from lsgan_lib.files import atomic, read_json, write_json

FORMAT = 1
"""Version of the layout above, kept in the manifest."""

MOST_CLASSES = 2**16
_BLOCK = 16 * 2**20  # bytes that are read at once for a checksum


@dataclass(frozen=True)
class Packed:
    """A set as it lies on the disk."""

    images: np.ndarray
    """uint8 (N, C, H, W); of images.npy only what is used is read"""
    labels: np.ndarray | None
    """uint8 or uint16 (N,)"""
    manifest: dict[str, Any]
    """name, count, shape, source, licence, sha256 and whatever else the maker wrote"""


def checksum(array: np.ndarray) -> str:
    """SHA-256 of an array's bytes in order, read a piece at a time."""
    digest = hashlib.sha256()
    step = max(1, _BLOCK // max(1, array[:1].nbytes))
    for start in range(0, len(array), step):
        digest.update(np.ascontiguousarray(array[start : start + step]).data.cast("B"))
    return digest.hexdigest()


def label_type(classes: int) -> np.dtype:
    """The smallest type for labels 0 .. classes - 1; raises BookError above 65,536 classes."""
    if classes > MOST_CLASSES:
        raise BookError(f"{classes:,} classes are more than a packed set can number (65,536).")
    return np.dtype(np.uint8 if classes <= 2**8 else np.uint16)


def write_packed(folder: Path, packed: Packed, *, compressed: bool = False) -> None:
    """Write a set into a folder, the manifest last: a folder without one is not a set.

    compressed: one images.npz, smaller but read into memory as a whole.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"images": packed.images}
    if packed.labels is not None:
        arrays["labels"] = packed.labels
    if compressed:
        with atomic(folder / "images.npz") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    else:
        for name, array in arrays.items():
            with atomic(folder / f"{name}.npy") as file:
                np.save(file, array)
    write_json(folder / "manifest.json", packed.manifest)


def read_packed(folder: Path, *, verify: bool = False) -> Packed:
    """Read the set in a folder; pixels of images.npy stay on the disk until they are used.

    verify: also compare pixels and labels with the manifest's checksums (reads all of them).
    Raises BookError, naming the folder, where something is missing, damaged or not as the manifest
    says.
    """
    folder = Path(folder)
    if not (folder / "manifest.json").is_file():
        raise BookError(f"{folder} is not a packed image set: it has no manifest.json.")
    manifest = read_json(folder / "manifest.json")
    made = manifest.get("format") if isinstance(manifest, dict) else None
    if isinstance(made, int) and made > FORMAT:  # first, since it may have other fields
        raise BookError(
            f"the set in {folder} has format {made}, made by a newer version of this book; this "
            f"one reads formats up to {FORMAT}."
        )
    wrong = _wrong(manifest)
    if wrong:
        raise BookError(
            f"{folder / 'manifest.json'} is damaged: its {wrong} is missing or of another kind. "
            "Delete the folder and make the set again."
        )
    try:
        if (folder / "images.npz").is_file():
            with np.load(folder / "images.npz") as arrays:
                images, labels = arrays["images"], arrays.get("labels")
        else:
            # Copy-on-write: torch wants writable memory, and the file must never change.
            images = np.load(folder / "images.npy", mmap_mode="c")
            path = folder / "labels.npy"
            labels = np.load(path) if path.is_file() else None
        name, shape = manifest["name"], list(manifest["shape"])
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged file
        raise BookError(
            f"the image set in {folder} is damaged ({first_line(error)}). Delete the folder and "
            "make it again."
        ) from error
    if images.dtype != np.uint8 or list(images.shape) != shape:
        raise BookError(
            f"the manifest in {folder} promises uint8 {shape}, the file holds {images.dtype} "
            f"{list(images.shape)}. Delete the folder and make the set again."
        )
    if images.ndim != 4 or len(images) != manifest["count"]:
        raise BookError(
            f"{folder} holds {list(images.shape)} where its manifest counts {manifest['count']} "
            "pictures of (C, H, W). Delete the folder and make the set again."
        )
    if labels is not None and (
        labels.dtype not in (np.uint8, np.uint16) or labels.shape != images.shape[:1]
    ):
        raise BookError(
            f"{name} in {folder} needs one uint8 or uint16 label for each of {len(images)} images, "
            f"the file holds {labels.dtype} {list(labels.shape)}. Delete the folder and make the "
            "set again."
        )
    if labels is None and "labels_sha256" in manifest:
        raise BookError(f"{folder} has lost its labels. Delete the folder and make the set again.")
    classes = manifest.get("classes")
    if labels is not None and classes is not None and labels.max(initial=0) >= len(classes):
        raise BookError(
            f"{folder} has a label {labels.max()} but names only {len(classes)} classes. Delete "
            "the folder and make the set again."
        )
    packed = Packed(images, labels, manifest)
    if verify:
        _verify(folder, packed)
    return packed


def _wrong(manifest: Any) -> str | None:
    """The first part of a manifest that is not as every maker writes it."""
    if not isinstance(manifest, dict):
        return "content"
    kinds = {"name": str, "shape": list, "count": int, "sha256": str}
    optional = {"format": int, "licence": str, "options": dict, "tools": dict}
    optional |= {"classes": list, "dropped": list}
    for key, kind in (kinds | optional).items():
        if not isinstance(manifest.get(key, kind() if key in optional else None), kind):
            return key
    rows = manifest.get("dropped", [])
    return None if all(isinstance(row, dict) and "reason" in row for row in rows) else "dropped"


def frequent_reasons(dropped: Sequence[dict[str, str]], most: int = 8) -> list[str]:
    """The reasons in a manifest's list of dropped files, such as "12 x no face found".

    Reasons that differ only in their numbers count as one, with N for the numbers.
    """
    kinds: dict[str, Counter[str]] = {}
    for row in dropped:
        kind = re.sub(r"\d[\d.,]*", "N", row["reason"])
        kinds.setdefault(kind, Counter())[row["reason"]] += 1
    frequent = sorted(kinds.items(), key=lambda pair: -pair[1].total())[:most]
    return [
        f"{reasons.total():,} x {kind if len(reasons) > 1 else next(iter(reasons))}"
        for kind, reasons in frequent
    ]


def _verify(folder: Path, packed: Packed) -> None:
    """Raise BookError where pixels or labels are not those that the maker wrote."""
    found = {"pixels": (packed.images, packed.manifest.get("sha256"))}
    expected = packed.manifest.get("labels_sha256")
    if packed.labels is not None and expected is not None:
        found["labels"] = (packed.labels, expected)
    for what, (array, promised) in found.items():
        if checksum(array) != promised:
            raise BookError(
                f"the {what} in {folder} do not match their checksum. Delete the folder and make "
                "the set again."
            )
