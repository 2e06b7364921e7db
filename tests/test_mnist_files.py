"""MNIST from idx files: the format, and where the files are looked for."""

import gzip
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.datasets
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lsgan_lib.data import digits, mnist
from lsgan_lib.data.idx import read_idx
from lsgan_lib.data.mnist_files import mnist_or_digits
from lsgan_lib.errors import BookError
from lsgan_lib.folders import data_folder

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def idx(shape: tuple[int, ...], content: bytes, *, kind: int = 8) -> bytes:
    """An idx file, written from the description of the format."""
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


def packed(path: Path, content: bytes) -> Path:
    """Write a file, compressed where its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


PIXELS = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
DIGITS = np.arange(12, dtype=np.uint8) % 10


def idx_files(folder: Path, suffix: str = "", prefix: str = "train") -> Path:
    """Twelve pictures as MNIST's two files."""
    names = (
        (IMAGES, LABELS)
        if prefix == "train"
        else (
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
        )
    )
    packed(folder / (names[0] + suffix), idx((12, 28, 28), PIXELS.tobytes()))
    packed(folder / (names[1] + suffix), idx((12,), DIGITS.tobytes()))
    return folder


# --- the format ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "a.gz"])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (1, 1, 1, 6), (0, 28, 28)])
def test_bytes_come_back_in_the_shape_of_the_header(tmp_path, name, shape):
    content = bytes(range(int(np.prod(shape))))
    array = read_idx(packed(tmp_path / name, idx(shape, content)))
    assert array.dtype == np.uint8 and array.shape == shape and array.tobytes() == content


@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_a_file_cut_at_any_byte_is_one_sentence(tmp_path, name):
    path = packed(tmp_path / name, idx((2, 3), b"abcdef"))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(BookError, match=str(path)):
            read_idx(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx((2, 3), b"abcdefg"), "should hold 2 x 3 bytes but holds 7"),
        (idx((2, 3), b"abcde"), "should hold 2 x 3 bytes but holds 5"),
        (idx((2, 2**31), b""), "should hold"),
        (idx((2**30, 2**30, 2**30), b""), "should hold"),  # 2^90, which is 0 in 64 bits
        (idx((2**16, 2**16, 2**16, 2**16, 6), b"abcdef"), "should hold"),
        (idx((2**32 - 1,) * 3, b"abcdef"), "should hold"),
        (idx((1,) * 65, b"a"), "is damaged .*dimension"),  # more than an array can have
        (idx((), b""), "ends within its header"),
        (idx((6,), b"abcdef", kind=0x0D), "not an idx file of unsigned bytes"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "not an idx file of unsigned bytes"),
        (gzip.compress(idx((6,), b"abcdef"), mtime=0), "not an idx file of unsigned bytes"),
    ],
)
def test_a_header_that_does_not_fit_is_one_sentence(tmp_path, content, message):
    path = packed(tmp_path / "a", content)
    with pytest.raises(BookError, match=message):
        read_idx(path)


def test_a_plain_file_that_is_called_gz_is_one_sentence(tmp_path):
    (tmp_path / "a.gz").write_bytes(idx((6,), b"abcdef"))
    with pytest.raises(BookError, match="cannot be unpacked"):
        read_idx(tmp_path / "a.gz")


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path):
    with pytest.raises(BookError, match="there is no file"):
        read_idx(tmp_path / "a")
    with pytest.raises(BookError, match=str(tmp_path)):
        read_idx(tmp_path)


headers = st.builds(
    lambda zeros, kind, dims, sizes, tail: (
        zeros + bytes([kind, dims]) + b"".join(struct.pack(">I", s) for s in sizes) + tail
    ),
    st.sampled_from([b"\0\0", b"\0\1"]),
    st.sampled_from([8, 8, 8, 9]),
    st.integers(0, 255),
    st.lists(st.one_of(st.integers(0, 4), st.sampled_from([2**16, 2**31, 2**32 - 1])), max_size=5),
    st.binary(max_size=24),
)


@settings(
    deadline=None,
    derandomize=True,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=st.one_of(st.binary(max_size=40), headers), name=st.sampled_from(["a", "a.gz"]))
@example(content=idx((0,) * 70, b""), name="a")
@example(content=idx((0, 2**32 - 1, 2**32 - 1), b""), name="a")
def test_whatever_a_file_holds_it_is_read_in_full_or_refused_with_a_sentence(
    tmp_path, content, name
):
    path = tmp_path / name
    path.write_bytes(content)
    try:
        array = read_idx(path)
    except BookError as error:
        assert str(path) in str(error)
    else:
        assert content.endswith(array.tobytes()) and len(content) == 4 + 4 * array.ndim + array.size


# --- where the files are -------------------------------------------------------------------------


@pytest.fixture
def no_network(monkeypatch):
    """A machine on which torchvision reaches nothing; the list holds the folders it was given."""
    asked: list[str] = []

    def fail(root: str, download: bool) -> None:
        asked.append(root)
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz\nand a second line")

    monkeypatch.setattr(torchvision.datasets, "MNIST", fail)
    return asked


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("place", [".", "MNIST/raw"])
def test_idx_files_in_a_folder_become_an_image_set(tmp_path, no_network, suffix, place):
    idx_files(tmp_path / place, suffix)
    images = mnist(folder=tmp_path)
    assert torch.equal(images.images, torch.from_numpy(PIXELS)[:, None])
    assert images.labels.tolist() == DIGITS.tolist()
    assert images.name == "mnist-train" and "CC BY-SA" in images.manifest["licence"]
    assert no_network == []  # what is there is not fetched again


def test_the_test_split_is_its_own_pair_of_files(tmp_path, no_network):
    idx_files(tmp_path, prefix="t10k")
    assert mnist("test", folder=tmp_path).name == "mnist-test"
    with pytest.raises(BookError, match="could not be downloaded"):
        mnist("train", folder=tmp_path)


def test_the_data_folder_is_the_one_that_the_environment_names(tmp_path, monkeypatch, no_network):
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    idx_files(tmp_path / "mnist", ".gz")
    assert len(mnist()) == len(mnist_or_digits()) == 12


def test_without_the_variable_the_data_folder_is_the_system_s_cache(monkeypatch):
    for value in (None, ""):
        monkeypatch.delenv("LSGAN_DATA", raising=False)
        if value is not None:
            monkeypatch.setenv("LSGAN_DATA", value)
        assert data_folder().name == "lsgan" and data_folder().is_absolute()


def test_a_data_folder_that_does_not_exist_is_one_sentence_and_no_fallback(
    tmp_path, monkeypatch, no_network
):
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path / "typo"))
    for refused in (mnist, mnist_or_digits):
        with pytest.raises(BookError, match="LSGAN_DATA names .*typo, which is not a folder"):
            refused()
    assert no_network == [] and list(tmp_path.iterdir()) == []


def test_without_files_and_network_the_book_s_digits_stand_in_with_a_warning(
    tmp_path, monkeypatch, no_network
):
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    with pytest.warns(UserWarning, match="could not be downloaded .*5,000 digits instead") as seen:
        images = mnist_or_digits()
    assert images.manifest == digits().manifest
    assert "\n" not in str(seen[0].message)
    assert [Path(root).parent for root in no_network] == [tmp_path / "mnist"]


def test_files_that_are_fetched_are_then_read(tmp_path, monkeypatch):
    def fetch(root: str, download: bool) -> None:
        assert download
        idx_files(Path(root) / "MNIST" / "raw")

    monkeypatch.setattr(torchvision.datasets, "MNIST", fetch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
        assert len(mnist_or_digits()) == 12


def test_a_download_that_breaks_off_leaves_nothing_that_looks_like_a_file(tmp_path, monkeypatch):
    def break_off(root: str, download: bool) -> None:
        packed(Path(root) / "MNIST" / "raw" / f"{IMAGES}.gz", b"half")
        raise OSError("connection lost")

    monkeypatch.setattr(torchvision.datasets, "MNIST", break_off)
    with pytest.raises(BookError, match="could not be downloaded .connection lost"):
        mnist(folder=tmp_path)
    assert list(tmp_path.rglob("*")) == []


def test_nothing_is_fetched_where_that_is_not_wanted(tmp_path, no_network):
    with pytest.raises(BookError, match=r"MNIST is not in .*--data digits"):
        mnist(folder=tmp_path, download=False)
    assert no_network == []


def test_a_damaged_file_is_one_sentence_and_no_fallback(tmp_path, monkeypatch, no_network):
    """A reader who has MNIST must hear that it is broken, not train on something else."""
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    path = idx_files(tmp_path / "mnist") / IMAGES
    path.write_bytes(path.read_bytes()[:5_000])
    with pytest.raises(BookError, match=f"{IMAGES} should hold 12 x 28 x 28 bytes but holds 4984"):
        mnist_or_digits()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (IMAGES, idx((12, 28, 27), bytes(12 * 28 * 27))),
        (IMAGES, idx((12, 784), bytes(12 * 784))),
        (LABELS, idx((11,), bytes(11))),
        (LABELS, idx((12, 1), bytes(12))),
    ],
)
def test_idx_files_of_something_else_are_one_sentence(tmp_path, name, content):
    packed(idx_files(tmp_path) / name, content)
    with pytest.raises(BookError, match="not the images and labels of MNIST"):
        mnist(folder=tmp_path)


def test_an_empty_mnist_is_one_sentence(tmp_path):
    packed(idx_files(tmp_path) / IMAGES, idx((0, 28, 28), b""))
    packed(tmp_path / LABELS, idx((0,), b""))
    with pytest.raises(BookError, match="MNIST|image set"):
        mnist(folder=tmp_path)


def test_there_are_two_splits(tmp_path):
    with pytest.raises(BookError, match="'train' and 'test', not 'validation'"):
        mnist("validation", folder=tmp_path)
