"""CASIA-HWDB's .gnt files: every byte of a good file, and whatever a damaged one may hold."""

import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.gnt import LONGEST_SIDE
from data_prep.hwdb import HWDB
from data_prep.job import Dropped, Job
from data_prep.pack import pack
from lsgan_lib.data import read_set
from lsgan_lib.errors import BookError

EXAMPLES = int(os.environ.get("HWDB_EXAMPLES", "150"))


def record(code: bytes, pixels: np.ndarray, *, size: int | None = None) -> bytes:
    """One character, written from the description of the format."""
    height, width = pixels.shape
    size = 10 + width * height if size is None else size
    return struct.pack("<I", size) + code + struct.pack("<HH", width, height) + pixels.tobytes()


def scan(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def gb(character: str) -> bytes:
    return character.encode("gbk").ljust(2, b"\0")


def written(path: Path, *records: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(records))
    return path


GOOD = b"".join(
    record(gb(character), scan(5 + i, 9 - i, i)) for i, character in enumerate("啊水火a啊")
)


def outcome(job: Job) -> list[str]:
    """The characters of a job, in order."""
    return [job.classes[item.label] for item in job.items]


# --- good files -----------------------------------------------------------------------------------


def test_characters_are_labelled_by_their_place_among_the_sorted_codes(tmp_path):
    job = HWDB(written(tmp_path / "1.gnt", GOOD)).job()
    assert job.classes == ["啊", "火", "水"]  # b0a1, bbf0, cbae
    assert outcome(job) == ["啊", "水", "火", "啊"]
    assert [item.label for item in job.items] == [0, 2, 1, 0]
    assert job.refused == [] and job.name == "hwdb28" and job.shape == (1, 28, 28)
    assert len({item.name for item in job.items}) == 4


def test_symbols_come_after_the_characters_where_they_are_wanted(tmp_path):
    records = [record(gb(c), scan(4, 4)) for c in "a丂,啊。"]  # 丂 is GBK, but not GB2312
    job = HWDB(written(tmp_path / "1.gnt", *records), symbols=True).job()
    assert job.classes == ["啊", "丂", ",", "a", "。"]
    assert HWDB(tmp_path / "1.gnt").job().classes == ["啊", "丂"]


def test_only_the_first_classes_are_taken(tmp_path):
    path = written(tmp_path / "1.gnt", GOOD)
    job = HWDB(path, classes=2).job()
    assert job.classes == ["啊", "火"] and outcome(job) == ["啊", "火", "啊"]
    for classes in (0, 4):
        with pytest.raises(BookError, match=f"--classes is {classes}, but .* holds 3 characters"):
            HWDB(path, classes=classes).job()


def test_a_picture_of_the_set_s_size_keeps_its_pixels_white_on_black(tmp_path):
    ink = scan(28, 28)
    path = written(tmp_path / "1.gnt", record(gb("啊"), ink))
    for paper, expected in ((False, 255 - ink), (True, ink)):
        job = HWDB(path, white_paper=paper).job()
        assert np.array_equal(job.make(job.items[0]).pixels, expected[None])


@pytest.mark.parametrize(("height", "width"), [(10, 28), (28, 11)])
def test_the_shorter_side_is_filled_with_paper_on_both_sides(tmp_path, height, width):
    ink = np.full((height, width), 30, np.uint8)
    job = HWDB(written(tmp_path / "1.gnt", record(gb("啊"), ink))).job()
    picture = job.make(job.items[0]).pixels[0]
    top, left = (28 - height) // 2, (28 - width) // 2
    expected = np.zeros((28, 28), np.uint8)
    expected[top : top + height, left : left + width] = 225
    assert np.array_equal(picture, expected)


def test_a_large_picture_is_made_smaller_as_a_whole(tmp_path):
    ink = np.full((100, 60), 255, np.uint8)
    ink[:50] = 0  # the upper half is ink
    job = HWDB(written(tmp_path / "1.gnt", record(gb("啊"), ink)), size=20).job()
    picture = job.make(job.items[0]).pixels[0].astype(int)
    assert picture.shape == (20, 20)
    assert (picture[1:8, 6:14] > 240).all() and (picture[12:, :] < 15).all()
    assert (picture[:, :3] < 15).all() and (picture[:, 17:] < 15).all()


def test_a_folder_and_a_zip_give_the_same_pictures(tmp_path):
    folder = tmp_path / "files"
    written(folder / "b" / "2.gnt", record(gb("水"), scan(9, 9, 1)), record(gb("火"), scan(7, 3)))
    written(folder / "1.GNT", GOOD)
    written(folder / "._1.gnt", b"a Mac's notes")
    written(folder / "read.txt", b"text")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(folder).as_posix())
    jobs = [HWDB(folder).job(), HWDB(tmp_path / "a.zip").job()]
    assert [len(job.ignored) for job in jobs] == [2, 2]
    assert outcome(jobs[0]) == outcome(jobs[1]) == ["啊", "水", "火", "啊", "水", "火"]
    first, second = ([job.make(item).pixels for item in job.items] for job in jobs)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    backwards = [jobs[1].make(item).pixels for item in reversed(jobs[1].items)]
    assert all(np.array_equal(a, b) for a, b in zip(first, backwards[::-1], strict=True))


def test_it_becomes_a_packed_set_in_worker_processes(tmp_path):
    records = [record(gb("啊水火"[i % 3]), scan(6, 8, i)) for i in range(200)]
    job = HWDB(written(tmp_path / "1.gnt", *records)).job()
    pack(job, tmp_path / "set", workers=2, progress=False)
    images = read_set(tmp_path / "set", verify=True)
    assert images.images.shape == (200, 1, 28, 28)
    assert images.labels.tolist() == [[0, 2, 1][i % 3] for i in range(200)]
    assert images.manifest["classes"] == ["啊", "火", "水"]
    assert np.array_equal(images.images[7].numpy(), job.make(job.items[7]).pixels)


# --- damaged files --------------------------------------------------------------------------------

FIRST = record(gb("啊"), scan(3, 4))


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (FIRST[:-1], "ends within a record, after 21 of 22 bytes"),
        (FIRST[:12], "ends within a record, after 12 of 22 bytes"),
        (FIRST[:9], "ends within a header, after 9 bytes"),
        (b"\0", "ends within a header, after 1 bytes"),
        (record(gb("水"), scan(3, 4), size=23) + FIRST, "4 x 3 pixels do not make a record of 23"),
        (record(gb("水"), scan(3, 4), size=0) + FIRST, "4 x 3 pixels do not make a record of 0"),
        (record(gb("水"), np.zeros((3, 0), np.uint8)) + FIRST, "a picture of 0 x 3 pixels"),
        (record(gb("水"), np.zeros((0, 3), np.uint8)) + FIRST, "a picture of 3 x 0 pixels"),
    ],
)
def test_what_comes_before_the_damage_is_kept_and_the_rest_refused_with_its_place(
    tmp_path, rest, reason
):
    job = HWDB(written(tmp_path / "1.gnt", FIRST, FIRST, rest)).job()
    assert outcome(job) == ["啊", "啊"]
    ((place, why),) = job.refused
    assert place == "1.gnt at byte 44" and reason in why and f"{len(rest)} bytes from here" in why


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (record(b"\xff\xff", scan(3, 4)), "its code ffff is no character"),
        (record(b"\0\0", scan(3, 4)), "its code 0000 is no character"),
        (record(b"ab", scan(3, 4)), "its code 6162 is no character"),
        (record(b"\n\0", scan(3, 4)), "its code 0a00 is no character"),
        (
            record(gb("水"), np.zeros((1, LONGEST_SIDE + 1), np.uint8)),
            f"{LONGEST_SIDE + 1} x 1 pixels",
        ),
    ],
)
def test_a_record_that_is_whole_but_no_character_is_refused_alone(tmp_path, odd, reason):
    job = HWDB(written(tmp_path / "1.gnt", FIRST, odd, record(gb("火"), scan(3, 4)))).job()
    assert outcome(job) == ["啊", "火"]
    ((place, why),) = job.refused
    assert place == "1.gnt at byte 22" and reason in why


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(50), FIRST[:15], b"x"])
def test_a_file_that_is_no_gnt_is_refused_as_a_whole(tmp_path, content):
    written(tmp_path / "bad.gnt", content)
    with pytest.raises(BookError, match="holds no usable characters of .gnt files. bad.gnt: "):
        HWDB(tmp_path / "bad.gnt").job()
    written(tmp_path / "good.gnt", GOOD)
    job = HWDB(tmp_path).job()
    assert len(job.items) == 4 and [name for name, _ in job.refused] == ["bad.gnt"]


def zipped(path: Path, kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("1.gnt", GOOD)
        archive.writestr("2.gnt", GOOD)
    return path


def test_a_zip_member_whose_checksum_is_wrong_is_refused_as_a_whole(tmp_path):
    path = zipped(tmp_path / "a.zip", zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(GOOD) + len(GOOD) - 1] ^= 1  # the last pixel of the first member
    path.write_bytes(content)
    job = HWDB(path).job()
    assert len(job.items) == 4 and all("2.gnt" in item.name for item in job.items)
    ((place, why),) = job.refused
    assert place == "a.zip/1.gnt" and "damaged in the zip" in why


def test_what_only_claims_to_be_a_zip_is_one_sentence(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"ALZ\x01" + bytes(100))
    with pytest.raises(BookError, match="ALZip archive despite its name: unpack it with unalz"):
        HWDB(tmp_path / "a.zip").job()
    path = zipped(tmp_path / "b.zip")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BookError, match="no zip, or a damaged one"):
        HWDB(path).job()


def test_two_files_of_one_name_in_a_zip_are_not_mixed_up(tmp_path):
    path = zipped(tmp_path / "a.zip")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("1.gnt", FIRST)
    job = HWDB(path).job()
    assert [why for _, why in job.refused] == ["the zip holds two files of this name"]
    assert len({item.name for item in job.items}) == len(job.items) > 4


def test_a_file_that_shrinks_after_listing_drops_its_pictures(tmp_path):
    path = written(tmp_path / "1.gnt", FIRST, FIRST)
    job = HWDB(path).job()
    os.truncate(path, 30)
    assert job.make(job.items[0]).pixels.shape == (1, 28, 28)
    with pytest.raises(Dropped, match="ends within its pixels"):
        job.make(job.items[1])
    path.unlink()
    with pytest.raises(BookError, match="no longer there.*finished work is kept"):
        job.make(job.items[0])


def test_a_file_that_was_replaced_is_read_anew(tmp_path):
    path = written(tmp_path / "1.gnt", record(gb("啊"), scan(28, 28, 1)))
    HWDB(path).job().make(HWDB(path).job().items[0])
    written(tmp_path / "new", record(gb("啊"), scan(28, 28, 2))).replace(path)
    job = HWDB(path).job()
    assert np.array_equal(job.make(job.items[0]).pixels[0], 255 - scan(28, 28, 2))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({}, "--from FOLDER of .gnt files"),
        ({"source": Path("nowhere")}, "there is no file or folder nowhere"),
        ({"source": Path("."), "size": 3}, "--size is 3, but must be at least 4"),
    ],
)
def test_flags_that_make_no_sense_are_one_sentence(tmp_path, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BookError, match=message):
        HWDB(**flags).job()
    with pytest.raises(BookError, match=r"holds no usable characters of \.gnt files\.$"):
        HWDB(tmp_path).job()


# --- anything at all ------------------------------------------------------------------------------


@st.composite
def mutated(draw: st.DrawFn, good: bytes) -> bytes:
    """A good file with bytes changed, taken out, put in, or cut off."""
    content = bytearray(good)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        match draw(st.sampled_from(["change", "remove", "insert", "cut"])):
            case "change":
                content[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
            case "remove":
                del content[at : at + draw(st.integers(1, 30))]
            case "insert":
                content[at:at] = draw(st.binary(max_size=12))
            case "cut":
                del content[at:]
    return bytes(content)


def survives(path: Path) -> None:
    """The job is listed and made, or refused with a sentence; nothing else comes out."""
    try:
        job = HWDB(path, symbols=True).job()
    except BookError as error:
        assert str(path) in str(error) and len(str(error)) < 500
        return
    assert job.items
    length = path.stat().st_size
    for item in job.items:
        try:
            made = job.make(item)
        except Dropped:
            assert path.suffix == ".zip"
            continue
        assert made.pixels.shape == (1, 28, 28) and 0 <= item.label < len(job.classes)
    if path.suffix == ".gnt":
        kept = sum(10 + item.place.width * item.place.height for item in job.items)
        assert kept == length or job.refused  # no byte is lost without a word


number = iter(range(10**9))  # a new name each time, as open files are kept between pictures


@settings(
    deadline=None,
    derandomize=EXAMPLES == 150,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=st.one_of(st.binary(max_size=80), mutated(GOOD), mutated(FIRST * 3)))
def test_whatever_a_gnt_file_holds_it_is_used_or_refused_in_words(tmp_path, content):
    path = written(tmp_path / f"{next(number)}.gnt", content)
    survives(path)
    path.unlink()


@settings(
    deadline=None,
    derandomize=EXAMPLES == 150,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), kind=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
def test_whatever_a_zip_holds_it_is_used_or_refused_in_words(tmp_path, data, kind):
    path = zipped(tmp_path / f"{next(number)}.zip", kind)
    path.write_bytes(data.draw(mutated(path.read_bytes())))
    survives(path)
    path.unlink()
