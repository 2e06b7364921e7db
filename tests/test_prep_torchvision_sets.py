"""MNIST and relatives, CIFAR-10, SVHN: from files, and from a host that serves well or badly.

Every file is written by the test in the format of the original. The host is a local one; nothing
here reaches the network.
"""

import gzip
import hashlib
import importlib.util
import io
import pickle
import socket
import struct
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
import torchvision.datasets
from PIL import Image
from scipy.io import savemat

from data_prep import fetch
from data_prep.pack import pack
from data_prep.torchvision_sets import CIFAR10, KMNIST, MNIST, SVHN, FashionMNIST
from lsgan_lib.data import read_set
from lsgan_lib.errors import BookError

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (12, 28, 28), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (12, 3, 32, 32), dtype=np.uint8)
LABELS = (np.arange(12) * 7 % 10).astype(np.uint8)


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


# --- the files, as their publishers write them ----------------------------------------------------


def idx(array: np.ndarray) -> bytes:
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


def idx_files(images: np.ndarray = GREY, prefix: str = "train") -> dict[str, bytes]:
    return {
        f"{prefix}-images-idx3-ubyte.gz": gzip.compress(idx(images), mtime=0),
        f"{prefix}-labels-idx1-ubyte.gz": gzip.compress(idx(LABELS[: len(images)]), mtime=0),
    }


def cifar_batches() -> dict[str, bytes]:
    """Two training batches of five pictures, a test batch of two."""
    parts = {"data_batch_1": slice(0, 5), "data_batch_2": slice(5, 10), "test_batch": slice(10, 12)}
    return {
        name: pickle.dumps(
            {"data": COLOUR[part].reshape(-1, 3072), "labels": LABELS[part].tolist()}, protocol=2
        )
        for name, part in parts.items()
    }


def tar_of(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return whole.getvalue()


def svhn_file() -> bytes:
    """X is (height, width, channel, picture); y is a column in which 0 is written as 10."""
    whole = io.BytesIO()
    labels = np.where(LABELS == 0, 10, LABELS)[:, None]
    savemat(whole, {"X": COLOUR.transpose(2, 3, 1, 0), "y": labels}, do_compression=True)
    return whole.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def cifar(monkeypatch):
    """torchvision takes the test's files for CIFAR-10."""
    batches = cifar_batches()
    known = torchvision.datasets.CIFAR10
    sums = [[name, md5(content)] for name, content in batches.items()]
    monkeypatch.setattr(known, "train_list", sums[:2])
    monkeypatch.setattr(known, "test_list", sums[2:])
    archive = tar_of(batches)
    monkeypatch.setattr(known, "tgz_md5", md5(archive))
    return batches, archive


@pytest.fixture
def svhn(monkeypatch):
    content = svhn_file()
    entries = {
        split: [f"http://127.0.0.1:9/{split}", f"{split}_32x32.mat", md5(content)]
        for split in ("train", "test", "extra")
    }
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", entries)
    return content


def pictures(job) -> np.ndarray:
    assert not job.parallel and len({item.name for item in job.items}) == len(job.items)
    return np.stack([job.make(item).pixels for item in job.items])


def labels(job) -> list[int]:
    return [item.label for item in job.items]


# --- sets from files ------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [MNIST, FashionMNIST, KMNIST])
@pytest.mark.parametrize("plain", [True, False])
def test_idx_files_are_read_plain_or_compressed_here_or_where_torchvision_puts_them(
    tmp_path, source, plain
):
    files = idx_files()
    if plain:
        files = {name[:-3]: gzip.decompress(content) for name, content in files.items()}
    for place in (".", f"{source.__name__}/raw"):
        home = tmp_path / f"root of {place[:3]}"
        put(home / place, files)
        job = source(home).job()
        assert np.array_equal(pictures(job), GREY[:, None]) and labels(job) == LABELS.tolist()
        assert job.shape == (1, 28, 28) and len(job.classes) == 10


def test_each_set_carries_its_names_and_its_licence(tmp_path):
    put(tmp_path, idx_files() | idx_files(prefix="t10k"))
    jobs = [source(tmp_path).job() for source in (MNIST, FashionMNIST, KMNIST)]
    assert [job.name for job in jobs] == ["mnist-train", "fashion_mnist-train", "kmnist-train"]
    assert [job.facts["licence"] for job in jobs] == ["CC BY-SA 3.0", "MIT", "CC BY-SA 4.0"]
    assert jobs[1].classes == tuple(torchvision.datasets.FashionMNIST.classes)
    assert jobs[2].classes == tuple(torchvision.datasets.KMNIST.classes)
    assert MNIST(tmp_path, "test", 20).job().name == "mnist-test-20"
    assert str(tmp_path) not in repr([job.facts for job in jobs])


def test_mnist_in_a_folder_of_several_sets_is_not_taken_for_fashion_mnist(tmp_path):
    put(tmp_path / "MNIST" / "raw", idx_files())
    with pytest.raises(BookError, match="does not hold Fashion-MNIST: train-images-idx3-ubyte.gz"):
        FashionMNIST(tmp_path).job()
    put(tmp_path / "FashionMNIST" / "raw", idx_files(255 - GREY))
    assert np.array_equal(pictures(FashionMNIST(tmp_path).job()), 255 - GREY[:, None])
    assert np.array_equal(pictures(MNIST(tmp_path).job()), GREY[:, None])


def test_cifar_is_read_from_the_archive_or_unpacked(tmp_path, cifar):
    batches, archive = cifar
    put(tmp_path / "archive", {"cifar-10-python.tar.gz": archive})
    unpacked = put(tmp_path / "unpacked" / "cifar-10-batches-py", batches)
    for home in (tmp_path / "archive", unpacked, unpacked.parent):
        train, test = CIFAR10(home).job(), CIFAR10(home, "test").job()
        assert np.array_equal(pictures(train), COLOUR[:10]) and labels(train) == list(LABELS[:10])
        assert np.array_equal(pictures(test), COLOUR[10:]) and labels(test) == list(LABELS[10:])
        assert train.name == "cifar10-train" and train.shape == (3, 32, 32)
        assert train.classes[6] == "frog"


def test_svhn_is_read_and_its_digit_ten_is_a_zero(tmp_path, svhn):
    put(tmp_path, {"extra_32x32.mat": svhn})
    job = SVHN(tmp_path, "extra").job()
    assert np.array_equal(pictures(job), COLOUR) and labels(job) == LABELS.tolist()
    assert job.name == "svhn-extra" and 0 in labels(job)
    assert "non-commercial" in job.facts["licence"]


def test_another_size_is_resized_from_the_whole_picture(tmp_path, cifar):
    put(tmp_path, {"cifar-10-python.tar.gz": cifar[1]} | idx_files())
    job = CIFAR10(tmp_path, size=64).job()
    image = Image.fromarray(COLOUR[3].transpose(1, 2, 0)).resize((64, 64), Image.Resampling.BICUBIC)
    assert np.array_equal(job.make(job.items[3]).pixels, np.asarray(image).transpose(2, 0, 1))
    assert job.name == "cifar10-train-64" and job.shape == (3, 64, 64)
    small = MNIST(tmp_path, size=14).job()
    image = Image.fromarray(GREY[3]).resize((14, 14), Image.Resampling.BICUBIC)
    assert np.array_equal(small.make(small.items[3]).pixels, np.asarray(image)[None])
    with pytest.raises(BookError, match="--size is 3, but must be at least 4"):
        MNIST(tmp_path, size=3).job()


@pytest.mark.parametrize("size", [28, 16])
def test_it_becomes_a_packed_set(tmp_path, size):
    job = KMNIST(put(tmp_path / "files", idx_files()), size=size).job()
    pack(job, tmp_path / "set", progress=False)
    images = read_set(tmp_path / "set", verify=True)
    assert np.array_equal(images.images.numpy(), pictures(job))
    assert images.labels.tolist() == LABELS.tolist()
    assert images.manifest["classes"] == [
        "o",
        "ki",
        "su",
        "tsu",
        "na",
        "ha",
        "ma",
        "ya",
        "re",
        "wo",
    ]
    assert ("pillow" in images.manifest["tools"]) == (size == 16)


# --- files that are missing, damaged, or something else -------------------------------------------


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (MNIST, "train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz should"),
        (CIFAR10, "cifar-10-python.tar.gz should"),
        (SVHN, "train_32x32.mat should"),
    ],
)
def test_a_folder_without_the_files_is_one_sentence_that_names_them(tmp_path, source, wanted):
    with pytest.raises(BookError, match=f"does not hold .*{wanted} .*Leave --from out"):
        source(tmp_path).job()
    with pytest.raises(BookError, match="--from names .*nowhere, which is no folder"):
        source(tmp_path / "nowhere").job()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            idx_files(GREY[:, :27]),
            r"hold \(12, 1, 27, 28\) and \(12,\), which are not its pictures",
        ),
        (idx_files(GREY[:0]), "which are not its pictures and labels"),
        (idx_files() | {"train-labels-idx1-ubyte.gz": gzip.compress(idx(LABELS[:5]))}, "which are"),
        (idx_files() | {"train-labels-idx1-ubyte.gz": gzip.compress(idx(LABELS + 1))}, "label 10"),
        (idx_files() | {"train-labels-idx1-ubyte.gz": b"\x1f\x8b half"}, "cannot be unpacked"),
    ],
)
def test_idx_files_of_something_else_are_one_sentence(tmp_path, files, message):
    with pytest.raises(BookError, match=message):
        MNIST(put(tmp_path, files)).job()


class Bomb:
    """A pickle that would write a file when it is opened."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("packed", [True, False])
def test_a_pickle_with_another_checksum_is_never_opened(tmp_path, cifar, packed):
    bad = cifar[0] | {"data_batch_2": pickle.dumps(Bomb(tmp_path / "exploded"))}
    pickle.loads(bad["data_batch_2"])
    assert (tmp_path / "exploded").exists()  # so it is live
    (tmp_path / "exploded").unlink()
    if packed:
        put(tmp_path, {"cifar-10-python.tar.gz": tar_of(bad)})
    else:
        put(tmp_path, bad)
    with pytest.raises(BookError, match="is not the file that its publishers made: its md5"):
        CIFAR10(tmp_path).job()
    assert not (tmp_path / "exploded").exists()


def test_files_that_were_cut_off_are_one_sentence(tmp_path, cifar, svhn):
    put(tmp_path, {"train_32x32.mat": svhn[:-50], "cifar-10-python.tar.gz": cifar[1][:500]})
    for source in (SVHN, CIFAR10):
        with pytest.raises(BookError, match="damaged, or was not downloaded to its end. Delete it"):
            source(tmp_path).job()
    put(tmp_path / "part", cifar[0])
    (tmp_path / "part" / "data_batch_2").unlink()
    with pytest.raises(BookError, match="data_batch_2 cannot be read"):
        CIFAR10(tmp_path / "part").job()


def test_svhn_without_scipy_says_so_before_it_downloads_anything(tmp_path, monkeypatch):
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert importlib.util.find_spec("scipy") is None
    with pytest.raises(BookError, match="pip install scipy"):
        SVHN().job()
    assert list(tmp_path.iterdir()) == []


# --- a host ---------------------------------------------------------------------------------------


class Host:
    """Serves `files`, each by its own manner; `asked` holds the names that were asked for."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.manners: dict[str, str] = {}
        self.asked: list[str] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rsplit("/", 1)[1]
                host.asked.append(name)
                manner = host.manners.get(self.path.split("/")[1], host.manners.get(name, "well"))
                if manner == "403":
                    self.send_error(403)
                    return
                content = host.files[name]
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if manner == "breaks off":
                    self.wfile.write(content[: len(content) // 2])
                elif manner == "resets":
                    self.wfile.write(content[: len(content) // 2])
                    self.wfile.flush()
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                elif manner == "wrong bytes":
                    self.wfile.write(bytes(len(content)))
                elif manner == "falls silent":
                    self.wfile.write(content[:10])
                    self.wfile.flush()
                    host.silence.wait(5)
                else:
                    self.wfile.write(content)

            def log_message(self, *args):
                pass

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass  # the other side has gone

            def finish(self):
                try:
                    super().finish()
                except (OSError, ValueError):
                    pass

        self.silence = Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def host(monkeypatch, tmp_path):
    """torchvision's hosts are this one, and the data folder is a new one."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("LSGAN_DATA", str(data))
    host = Host()
    host.data = data
    yield host
    host.silence.set()
    host.server.shutdown()
    host.server.server_close()


@pytest.fixture
def mnist_host(host, monkeypatch):
    host.files = idx_files() | idx_files(255 - GREY, "t10k")
    resources = [(name, md5(content)) for name, content in host.files.items()]
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [host.url])
    return host


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_download_is_read_and_the_next_time_nothing_is_fetched(mnist_host):
    assert np.array_equal(pictures(MNIST().job()), GREY[:, None])
    assert left(mnist_host.data) == sorted(idx_files())  # only this split
    asked = len(mnist_host.asked)
    assert np.array_equal(pictures(MNIST().job()), GREY[:, None])
    assert len(mnist_host.asked) == asked
    assert np.array_equal(pictures(MNIST(split="test").job()), 255 - GREY[:, None])
    assert left(mnist_host.data) == sorted(mnist_host.files)
    assert not [path for path in (mnist_host.data / "mnist").iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("403", "the host answers 403 Forbidden"),
        ("breaks off", "what arrived was cut off or is another file"),
        ("resets", "the connection broke off|what arrived was cut off"),
        ("wrong bytes", "what arrived was cut off or is another file"),
        ("falls silent", "silent for|the connection broke off, timed out"),
    ],
)
@pytest.mark.parametrize("name", sorted(idx_files()))
def test_a_bad_download_is_one_sentence_and_the_next_try_starts_it_anew(
    mnist_host, monkeypatch, manner, reason, name
):
    monkeypatch.setattr(fetch, "SILENCE", 0.3)
    mnist_host.manners = {name: manner}
    with pytest.raises(BookError, match=f"{name} could not be downloaded .*({reason})") as caught:
        MNIST().job()
    assert "\n" not in str(caught.value)
    assert "by hand, for instance from http" in str(caught.value) and "--from" in str(caught.value)
    assert name not in left(mnist_host.data)  # nothing half, under whatever name
    assert socket.getdefaulttimeout() is None
    mnist_host.manners = {}
    assert np.array_equal(pictures(MNIST().job()), GREY[:, None])


def test_the_next_mirror_is_asked_where_the_first_one_fails(mnist_host, monkeypatch):
    mirrors = [mnist_host.url + "bad/", mnist_host.url + "good/"]
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", mirrors)
    for manner in ("403", "breaks off", "resets", "wrong bytes"):
        mnist_host.manners = {"bad": manner}
        for path in (mnist_host.data / "mnist").glob("*"):
            path.unlink()
        assert np.array_equal(pictures(MNIST().job()), GREY[:, None])
    mnist_host.manners = {"bad": "403", "good": "wrong bytes"}
    with pytest.raises(BookError, match="403 Forbidden; 127.0.0.1:.*what arrived"):
        MNIST(split="test").job()


def test_without_a_network_the_sentence_says_how_to_go_on(host, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(torchvision.datasets.KMNIST, "mirrors", [f"http://127.0.0.1:{port}/"])
    with pytest.raises(BookError, match="no connection, Connection refused.*--from"):
        KMNIST().job()
    assert left(host.data) == []


def test_ctrl_c_leaves_nothing_half(mnist_host, monkeypatch):
    def interrupted(url, root, filename, md5):
        (Path(root) / filename).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torchvision.datasets.utils, "download_url", interrupted)
    with pytest.raises(KeyboardInterrupt):
        MNIST().job()
    assert left(mnist_host.data) == []


def test_a_data_folder_that_cannot_be_written_to_is_one_sentence(mnist_host):
    (mnist_host.data / "mnist").write_bytes(b"a file where the folder should be")
    with pytest.raises(BookError, match="cannot write to .*mnist .*Set LSGAN_DATA"):
        MNIST().job()


def test_cifar_and_svhn_are_downloaded_and_a_half_one_is_not_kept(host, monkeypatch, cifar, svhn):
    host.files = {"cifar-10-python.tar.gz": cifar[1], "train_32x32.mat": svhn}
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "url", host.url + "cifar-10-python.tar.gz")
    entry = [host.url + "train_32x32.mat", "train_32x32.mat", md5(svhn)]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", {"train": entry})
    for source, name in ((CIFAR10, "cifar-10-python.tar.gz"), (SVHN, "train_32x32.mat")):
        for manner in ("breaks off", "403", "wrong bytes"):
            host.manners = {name: manner}
            with pytest.raises(BookError, match=f"{name} could not be downloaded"):
                source().job()
            assert name not in left(host.data)
        host.manners = {}
        count = 10 if source is CIFAR10 else 12
        assert np.array_equal(pictures(source().job()), COLOUR[:count])


def test_the_checksums_are_those_that_torchvision_ships():
    """Nothing here repeats them, so an update of torchvision is followed."""
    for source in (MNIST, FashionMNIST, KMNIST, CIFAR10, SVHN):
        for split in ("train", "test"):
            for urls, name, checksum in source(split=split)._downloads():
                assert all(url.startswith("http") and url.endswith(name) for url in urls)
                assert len(checksum) == 32 and (name in source(split=split)._wanted())
