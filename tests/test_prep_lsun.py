"""LSUN from an lmdb folder that the test writes, from exported pictures, and what is refused."""

import io
import sys
import zipfile
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

from data_prep.job import Dropped
from data_prep.lsun import LSUN
from data_prep.pack import pack
from lsgan_lib.data import read_set
from lsgan_lib.errors import BookError


def picture(seed: int, width: int = 90, height: int = 70, kind: str = "WEBP") -> bytes:
    """A smooth picture: two colours that run into each other."""
    corners = np.random.default_rng(seed).integers(0, 256, (2, 2, 3), dtype=np.uint8)
    image = Image.fromarray(corners).resize((width, height), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def database(folder: Path, values: dict[bytes, bytes]) -> Path:
    with lmdb.open(str(folder), map_size=2**24) as environment:
        with environment.begin(write=True) as transaction:
            for key, value in values.items():
                transaction.put(key, value)
    return folder


VALUES = {f"{i * 7919 % 1000:040x}".encode(): picture(i) for i in range(12)}


@pytest.fixture
def scenes(tmp_path):
    return database(tmp_path / "church_lmdb", VALUES)


# --- lmdb -----------------------------------------------------------------------------------------


def test_pictures_come_in_the_order_of_their_keys(scenes):
    job = LSUN(scenes).job()
    assert [item.name.encode() for item in job.items] == sorted(VALUES)
    assert [item.size for item in job.items] == [len(VALUES[key]) for key in sorted(VALUES)]
    assert job.name == "lsun64" and job.shape == (3, 64, 64) and job.classes is None
    assert [item.name for item in LSUN(scenes, first=5).job().items] == [
        item.name for item in job.items[:5]
    ]
    assert len(LSUN(scenes / "data.mdb", first=50).job().items) == 12


def test_a_picture_is_what_pillow_makes_of_the_value(scenes):
    key = sorted(VALUES)[3]
    image = Image.open(io.BytesIO(VALUES[key])).convert("RGB")
    for how, box in (("crop", (10, 0, 80, 70)), ("squash", (0, 0, 90, 70))):
        job = LSUN(scenes, size=32, fit=how).job()
        expected = np.asarray(image.resize((32, 32), Image.Resampling.BICUBIC, box=box))
        made = job.make(job.items[3]).pixels
        assert np.array_equal(made, expected.transpose(2, 0, 1))
        assert job.facts["options"]["fit"] == how


def test_it_becomes_a_packed_set_in_worker_processes(tmp_path, scenes):
    database(scenes, {b"broken": VALUES[sorted(VALUES)[0]][:60], b"\xff\0": b"no picture"})
    database(scenes, {f"{i:040x}".encode(): picture(i) for i in range(2000, 2150)})
    job = LSUN(scenes, size=16).job()
    result = pack(job, tmp_path / "set", workers=2, progress=False)
    images = read_set(tmp_path / "set", verify=True)
    assert images.images.shape == (162, 3, 16, 16) and images.labels is None
    assert {row["file"]: row["reason"][:7] for row in result.dropped} == {
        "broken": "damaged",
        "0xff00": "not a p",
    }
    assert np.array_equal(images.images[2].numpy(), job.make(job.items[2]).pixels)


def test_a_key_that_has_gone_is_dropped(scenes):
    job = LSUN(scenes).job()
    gone = job.items[0].place._replace(key=b"another")
    with pytest.raises(Dropped, match="no longer in data.mdb"):
        job.make(type(job.items[0])("another", gone))


# --- exported pictures ----------------------------------------------------------------------------


def test_exported_pictures_give_the_same_set_as_the_database(tmp_path, scenes):
    folder = tmp_path / "exported"
    for key, value in VALUES.items():
        path = folder / key.decode()[-3:-2] / f"{key.decode()}.webp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value)
    with zipfile.ZipFile(tmp_path / "exported.zip", "w") as archive:
        for path in folder.rglob("*.webp"):
            archive.write(path, path.relative_to(folder).as_posix())
    jobs = [LSUN(source).job() for source in (scenes, folder, tmp_path / "exported.zip")]
    made = [
        {Path(item.name).stem: job.make(item).pixels.tobytes() for item in job.items}
        for job in jobs
    ]
    assert made[0] == made[1] == made[2] and len(made[0]) == 12
    assert len(LSUN(folder, first=4).job().items) == 4


# --- what is refused ------------------------------------------------------------------------------


def test_without_lmdb_the_sentence_says_how_to_go_on(tmp_path, scenes, monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(BookError, match="pip install lmdb. Or export the pictures"):
        LSUN(scenes).job()
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "1.webp").write_bytes(picture(1))
    assert len(LSUN(tmp_path / "exported").job().items) == 1  # which needs no lmdb


@pytest.mark.parametrize("length", [0, 10, 4096, 8192, 20_000, -4096])
def test_a_database_that_is_cut_off_is_one_sentence(scenes, length):
    """lmdb maps the file into memory: reading on where it is cut off would kill the process."""
    path = scenes / "data.mdb"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BookError, match="data.mdb is (cut off|no lmdb file, or a damaged one)"):
        LSUN(scenes).job()


def test_a_file_that_is_no_database_is_one_sentence(tmp_path):
    (tmp_path / "data.mdb").write_bytes(np.random.default_rng(0).bytes(50_000))
    with pytest.raises(BookError, match="data.mdb is no lmdb file, or a damaged one"):
        LSUN(tmp_path).job()


def test_a_damaged_page_is_one_sentence(tmp_path):
    folder = database(tmp_path / "many", {f"{i:040x}".encode(): b"x" * 900 for i in range(200)})
    path = folder / "data.mdb"
    content = bytearray(path.read_bytes())
    pages = range(2 * 4096, len(content), 4096)
    leaf = next(p for p in pages if content[p + 10] == 2)  # the flags of a page that holds keys
    content[leaf : leaf + 4096] = np.random.default_rng(1).bytes(4096)
    path.write_bytes(content)
    with pytest.raises(BookError, match="data.mdb is damaged .*Unpack it again"):
        LSUN(folder).job()


def test_an_empty_database_is_one_sentence(tmp_path):
    with pytest.raises(BookError, match="holds no pictures"):
        LSUN(database(tmp_path / "none", {})).job()


def test_what_must_be_opened_first_is_one_sentence(tmp_path, scenes):
    with pytest.raises(BookError, match="holds the lmdb folders church_lmdb. Name one of them"):
        LSUN(tmp_path).job()
    with zipfile.ZipFile(tmp_path / "church.zip", "w") as archive:
        archive.write(scenes / "data.mdb", "church_lmdb/data.mdb")
    with pytest.raises(BookError, match="holds church_lmdb/data.mdb, .* Unpack it"):
        LSUN(tmp_path / "church.zip").job()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({}, "--from FOLDER, such as"),
        ({"source": Path("nowhere")}, "nowhere"),
        ({"source": Path("."), "size": 3}, "--size is 3, but must be at least 4"),
        ({"source": Path("."), "first": 0}, "--first is 0, but must be at least 1"),
        ({"source": Path(".")}, "holds no pictures"),
    ],
)
def test_flags_that_make_no_sense_are_one_sentence(tmp_path, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BookError, match=message):
        LSUN(**flags).job()
