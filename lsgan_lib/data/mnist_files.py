"""MNIST: 60,000 handwritten digits, 28 x 28 grey - and 5,000 of them that come with the book.

LeCun, Cortes, Burges, "The MNIST database of handwritten digits", licence CC BY-SA 3.0.
"""

import tempfile
import warnings
from pathlib import Path
from typing import Literal

import torch

from lsgan_lib.data.idx import read_idx
from lsgan_lib.data.image_set import ImageSet, make_set, read_set
from lsgan_lib.errors import BookError
from lsgan_lib.folders import ASSETS, data_folder

_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def digits() -> ImageSet:
    """The 5,000 digits in assets/data, 500 of each class: no network, no waiting."""
    return read_set(ASSETS / "data" / "mnist_5000")


def mnist(
    split: Literal["train", "test"] = "train", *, folder: Path | None = None, download: bool = True
) -> ImageSet:
    """The full MNIST: images uint8 (60000, 1, 28, 28) or (10000, 1, 28, 28), with labels.

    Looks for the four idx files (plain or .gz) in FOLDER, by default in ``mnist`` within
    `data_folder()`, or where torchvision puts them below it (``MNIST/raw``); where there are none
    and download is allowed, torchvision fetches them there and checks their md5.
    Raises BookError when a file is damaged, or none is there and none can be fetched.
    """
    if split not in _FILES:
        raise BookError(f"MNIST has the splits 'train' and 'test', not {split!r}.")
    home = Path(folder) if folder is not None else data_folder() / "mnist"
    found = find(home, split)
    if found is None and download:
        _download(home)
        found = find(home, split)
    if found is None:
        raise BookError(
            f"MNIST is not in {home}. Put the four idx .gz files there, set LSGAN_DATA to a folder "
            "that holds them in its sub-folder mnist, or use the 5,000 digits that come with the "
            "book: --data digits."
        )
    pixels, labels = (read_idx(path) for path in found)
    if pixels.shape[1:] != (28, 28) or labels.shape != pixels.shape[:1]:
        raise BookError(
            f"{found[0]} holds {pixels.shape} and {found[1].name} {labels.shape}, which are not "
            "the images and labels of MNIST. Delete both and fetch them again."
        )
    return make_set(
        torch.from_numpy(pixels.copy())[:, None],
        torch.from_numpy(labels.copy()),
        name=f"mnist-{split}",
        source="MNIST, idx files",
        licence="CC BY-SA 3.0 (LeCun, Cortes, Burges)",
    )


def mnist_or_digits() -> ImageSet:
    """Full MNIST where it can be had, else the book's 5,000 digits, with a warning that says so."""
    try:
        return mnist()
    except _CannotFetch as error:
        warnings.warn(f"{error} Training on the book's 5,000 digits instead.", stacklevel=2)
        return digits()


class _CannotFetch(BookError):
    """The host of the data set did not answer, or refused."""


def find(home: Path, split: Literal["train", "test"]) -> list[Path] | None:
    """Paths of the images and labels of a split, or None where either is missing."""
    for folder in (home, home / "MNIST" / "raw"):
        paths = [
            next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)
            for name in _FILES[split]
        ]
        if None not in paths:
            return [path for path in paths if path is not None]
    return None


def _download(home: Path) -> None:
    """Fetch the four files with torchvision, which knows the mirrors and the checksums."""
    from torchvision.datasets import MNIST  # 0.3 s, needed only here

    try:
        home.mkdir(parents=True, exist_ok=True)
        # Elsewhere first: where a download breaks off, torchvision leaves a file that looks whole.
        with tempfile.TemporaryDirectory(prefix=".download-", dir=home) as part:
            MNIST(part, download=True)
            for path in (Path(part) / "MNIST" / "raw").iterdir():
                path.replace(home / path.name)
    except (OSError, RuntimeError) as error:
        raise _CannotFetch(
            f"MNIST is not in {home} and could not be downloaded ({str(error).splitlines()[0]})."
        ) from error
