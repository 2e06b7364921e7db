"""The small classics that torchvision can download: MNIST and its relatives, CIFAR-10, SVHN.

Files that are there already are taken (--from); others are downloaded by torchvision, which knows
the hosts and the checksums. Pickles and .mat files are opened only after their md5 was right.
"""

import io
import pickle
import tarfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from data_prep.classic import Classic, checked
from data_prep.job import Job
from lsgan_lib.errors import BookError

# --- idx files --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _IdxSet(Classic):
    split: Literal["train", "test"] = "train"
    """which part of the set"""

    def _find(self, home: Path) -> list[Path] | None:
        from lsgan_lib.data.mnist_files import find  # imports torch, needed only here

        # The relatives of MNIST have its file names. `find` also looks into MNIST/raw below the
        # folder it is given, where torchvision keeps MNIST and nothing else.
        for folder in (home / type(self).__name__ / "raw", home):
            found = find(folder, self.split)
            if found is not None and (found[0].parent == folder or isinstance(self, MNIST)):
                return found
        return None

    def _is_in(self, home: Path) -> bool:
        return self._find(home) is not None

    def _wanted(self) -> str:
        prefix = "train" if self.split == "train" else "t10k"
        return f"{prefix}-images-idx3-ubyte.gz and {prefix}-labels-idx1-ubyte.gz"

    def _downloads(self) -> list[tuple[list[str], str, str]]:
        import torchvision.datasets

        known = getattr(torchvision.datasets, type(self).__name__)
        prefix = "train" if self.split == "train" else "t10k"
        return [
            ([mirror + name for mirror in known.mirrors], name, md5)
            for name, md5 in known.resources
            if name.startswith(prefix)
        ]

    def _read(self, home: Path) -> tuple[np.ndarray, np.ndarray]:
        from lsgan_lib.data.idx import read_idx

        images, labels = (read_idx(path) for path in self._find(home) or ())
        return images[:, None], labels


@dataclass(frozen=True)
class MNIST(_IdxSet):
    """MNIST: 70,000 handwritten digits, 28 x 28 grey."""

    title = "MNIST"
    folder = "mnist"
    origin = "70,000 handwritten digits of the NIST databases, white on black"
    licence = "CC BY-SA 3.0"
    attribution = "LeCun, Cortes, Burges: The MNIST database of handwritten digits"


@dataclass(frozen=True)
class FashionMNIST(_IdxSet):
    """Fashion-MNIST: 70,000 pieces of clothing, 28 x 28 grey."""

    title = "Fashion-MNIST"
    folder = "fashion_mnist"
    classes = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
    origin = "70,000 product pictures from the shop of Zalando"
    licence = "MIT"
    attribution = "Xiao, Rasul, Vollgraf (Zalando): Fashion-MNIST, arXiv:1708.07747, 2017"


@dataclass(frozen=True)
class KMNIST(_IdxSet):
    """KMNIST: 70,000 handwritten Japanese characters of ten kinds, 28 x 28 grey."""

    title = "KMNIST"
    folder = "kmnist"
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    origin = "70,000 cursive hiragana from Japanese books, made from the Kuzushiji Dataset"
    licence = "CC BY-SA 4.0"
    attribution = (
        "Clanuwat et al.: Deep Learning for Classical Japanese Literature, 2018; KMNIST Dataset "
        "(created by CODH), adapted from the Kuzushiji Dataset (created by NIJL and others)"
    )


# --- CIFAR-10 ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class CIFAR10(Classic):
    """CIFAR-10: 60,000 small colour photographs of ten kinds, 32 x 32."""

    split: Literal["train", "test"] = "train"
    """which part of the set"""
    size: int = 32
    """side of the pictures in the set, pixels"""

    title = "CIFAR-10"
    folder = "cifar10"
    native = 32
    channels = 3
    classes = (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    )
    origin = "60,000 labelled photographs from the 80 Million Tiny Images, since withdrawn"
    licence = "none stated; the photographs were collected from the web"
    attribution = "Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009"

    def _is_in(self, home: Path) -> bool:
        return self._unpacked(home) is not None or (home / self._wanted()).is_file()

    def _wanted(self) -> str:
        return "cifar-10-python.tar.gz"

    def _unpacked(self, home: Path) -> Path | None:
        folders = (home, home / "cifar-10-batches-py")
        return next((f for f in folders if (f / "test_batch").is_file()), None)

    def _downloads(self) -> list[tuple[list[str], str, str]]:
        from torchvision.datasets import CIFAR10 as known

        return [([known.url], self._wanted(), known.tgz_md5)]

    def _read(self, home: Path) -> tuple[np.ndarray, np.ndarray]:
        from torchvision.datasets import CIFAR10 as known

        folder = self._unpacked(home)
        if folder is not None:
            batches = [
                _unpickle(checked(folder / name, md5))
                for name, md5 in (known.train_list if self.split == "train" else known.test_list)
            ]
        else:
            archive = checked(home / self._wanted(), known.tgz_md5)
            with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
                batches = [
                    _unpickle(_member(tar, f"{known.base_folder}/{name}"))
                    for name, _ in (known.train_list if self.split == "train" else known.test_list)
                ]
        pixels = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
        return pixels, np.concatenate([batch["labels"] for batch in batches])


# --- SVHN -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SVHN(Classic):
    """SVHN: house numbers cut out of street photographs, 32 x 32 colour."""

    split: Literal["train", "test", "extra"] = "train"
    """which part of the set; extra: 531,131 easier pictures, which take 4 GB of memory"""
    size: int = 32
    """side of the pictures in the set, pixels"""

    title = "SVHN"
    folder = "svhn"
    native = 32
    channels = 3
    origin = "digits of house numbers from Google Street View, cropped (format 2)"
    licence = "for non-commercial use only"
    attribution = (
        "Netzer et al.: Reading Digits in Natural Images with Unsupervised Feature Learning, 2011"
    )

    def job(self) -> Job:
        """Read the split, downloading it if need be; raises BookError when it cannot be had."""
        if find_spec("scipy") is None:  # before a download that could not be read
            raise BookError("SVHN is stored as .mat files, which scipy reads: pip install scipy.")
        return super().job()

    def _is_in(self, home: Path) -> bool:
        return (home / self._wanted()).is_file()

    def _wanted(self) -> str:
        return f"{self.split}_32x32.mat"

    def _downloads(self) -> list[tuple[list[str], str, str]]:
        from torchvision.datasets import SVHN as known

        url, name, md5 = known.split_list[self.split]
        return [([url], name, md5)]

    def _read(self, home: Path) -> tuple[np.ndarray, np.ndarray]:
        from scipy.io import loadmat

        ((_, name, md5),) = self._downloads()
        content = loadmat(io.BytesIO(checked(home / name, md5)))
        # X is (H, W, C, N); in y the digit 0 is written as 10.
        return content["X"].transpose(3, 2, 0, 1), content["y"].ravel() % 10


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None  # the archive's checksum says that it is a file
    return file.read()


def _unpickle(content: bytes) -> Any:
    return pickle.loads(content, encoding="latin1")
