"""The sources by name: dataclasses whose fields are their flags, which list pictures as a Job."""

import importlib
from typing import Protocol

from data_prep.job import Job
from lsgan_lib.errors import BookError


class Source(Protocol):
    """What every source can do."""

    def job(self) -> Job:
        """List what there is to make; raises BookError for what the user must put right."""


# Imported on demand: a download of digits should not need a face detector.
_SOURCES = {
    "mnist": "torchvision_sets:MNIST",
    "fashion_mnist": "torchvision_sets:FashionMNIST",
    "kmnist": "torchvision_sets:KMNIST",
    "cifar10": "torchvision_sets:CIFAR10",
    "svhn": "torchvision_sets:SVHN",
    "celeba": "celeba:CelebA",
    "faces": "faces:Faces",
    "folder": "folder:Folder",
    "zip": "folder:Folder",
    "lsun": "lsun:LSUN",
    "hwdb": "hwdb:HWDB",
    "avatars": "avatars:Avatars",
    "digits_shifted": "digits_shifted:DigitsShifted",
}
NAMES = tuple(_SOURCES)


def source(name: str) -> type[Source]:
    """The class of a source; raises BookError for a name that there is not."""
    if name not in _SOURCES:
        raise BookError(f"there is no source {name!r}; there are {', '.join(NAMES)}.")
    module, kind = _SOURCES[name].split(":")
    return getattr(importlib.import_module(f"data_prep.{module}"), kind)
