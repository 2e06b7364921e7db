"""The packer: the same bytes whoever made them, killed or not; whole sets or none."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from full_disk import full_disk
from painter import Painter, picture
from PIL import Image

from data_prep import assemble as assembling
from data_prep import pack as packing
from data_prep.job import Dropped, Item, Job, Made
from data_prep.pack import pack
from data_prep.pieces import PIECE
from lsgan_lib.data import read_set
from lsgan_lib.errors import BookError
from lsgan_lib.packed import checksum

ROOT = Path(__file__).resolve().parents[1]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def make(job: Job, out: Path, **options):
    return pack(job, out, progress=False, **options)


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, bytes]:
    """The set of 600, made by one process without a pause."""
    out = tmp_path_factory.mktemp("expected") / "set"
    make(Painter().job(), out, workers=1)
    return files(out)


def test_a_set_holds_what_was_made_in_order(tmp_path):
    result = make(Painter().job(), tmp_path / "set", workers=1)
    made = read_set(tmp_path / "set", verify=True)
    kept = [i for i in range(600) if i % 50 != 49]
    assert result.count == len(made) == len(kept) == 588
    assert (made.images.numpy() == np.stack([picture(i) for i in kept])).all()
    assert made.labels.tolist() == [i % 3 for i in kept]
    manifest = made.manifest
    assert manifest["name"] == "noise8" and manifest["classes"] == ["a", "b", "c"]
    assert manifest["found"] == 600 and manifest["exact_duplicates"] == 0
    assert [row["file"] for row in manifest["dropped"]] == [f"{i}.png" for i in range(49, 600, 50)]
    lines = (tmp_path / "set" / "report.csv").read_text().splitlines()
    assert lines[0] == "file,outcome,index,note" and len(lines) == 601
    assert lines[8] == "7.png,kept,7,seven" and lines[50] == "49.png,dropped,,number 49"
    assert lines[51] == "50.png,kept,49,"


def test_the_contact_sheet_shows_a_hundred_spread_over_the_set(expected, tmp_path):
    sheet = np.asarray(Image.open(io.BytesIO(expected["contact_sheet.png"])))
    assert sheet.shape == (10 * 10 - 2, 10 * 10 - 2, 3)
    assert (sheet[:8, :8] == picture(0).transpose(1, 2, 0)).all()
    assert (sheet[-8:, -8:] == picture(598).transpose(1, 2, 0)).all()


@pytest.mark.parametrize("workers", [2, 5])
def test_the_number_of_workers_leaves_no_trace(workers, expected, tmp_path):
    make(Painter().job(), tmp_path / "elsewhere", workers=workers)
    assert files(tmp_path / "elsewhere") == expected
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


def test_the_same_command_again_does_nothing(tmp_path):
    make(Painter(5).job(), tmp_path / "set", workers=1)
    before = (tmp_path / "set").stat().st_mtime_ns
    again = make(Painter(5).job(make=None), tmp_path / "set")
    assert again.already and again.count == 5
    assert (tmp_path / "set").stat().st_mtime_ns == before


def test_other_options_do_not_overwrite_a_set(tmp_path):
    make(Painter(5).job(), tmp_path / "set", workers=1)
    before = files(tmp_path / "set")
    with pytest.raises(BookError, match="already holds a set made from other files"):
        make(Painter(6).job(), tmp_path / "set")
    assert files(tmp_path / "set") == before


def test_a_folder_that_is_no_set_is_never_overwritten(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.jpg").touch()
    with pytest.raises(BookError, match="nothing is overwritten"):
        make(Painter(5).job(), tmp_path / "photos")
    assert [path.name for path in tmp_path.rglob("*")] == ["photos", "mine.jpg"]


def test_an_empty_folder_may_become_the_set(tmp_path):
    (tmp_path / "set").mkdir()
    assert make(Painter(5).job(), tmp_path / "set", workers=1).count == 5


# --- killed, and gone on with -----------------------------------------------------------------

MANY = 2_000
PROGRAM = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from painter import Painter
from data_prep.pack import pack
from pathlib import Path
if __name__ == "__main__":
    job = Painter({count}, seconds=0.003, marks={marks!r}).job()
    pack(job, Path({out!r}), workers=2, progress=False)
"""


def start(tmp_path: Path, marks: Path) -> subprocess.Popen:
    program = tmp_path / "program.py"
    places = {"root": ROOT, "tests": ROOT / "tests", "marks": marks, "out": tmp_path / "set"}
    text = PROGRAM.format(count=MANY, **{name: str(path) for name, path in places.items()})
    program.write_text(text)
    # Ctrl-C as in a terminal: a test run started in the background inherits it ignored.
    default = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    return subprocess.Popen([sys.executable, str(program)], preexec_fn=default)


def pieces(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / ".set.part").glob("*.npz")}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_and_started_again_it_ends_in_the_same_bytes(number, tmp_path):
    """Twice: as soon as a piece is there, and as soon as one more is."""
    make(Painter(MANY).job(), tmp_path / "expected", workers=1)
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
    done = set()
    for name in ("first", "second"):
        process = start(tmp_path, tmp_path / name)
        while len(pieces(tmp_path)) <= len(done):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        process.send_signal(number)
        assert process.wait(30) != 0
        assert not (tmp_path / "set").exists()
        done = pieces(tmp_path)
    # Workers of a killed parent end by themselves and may finish a piece before they do.
    time.sleep(0.5)
    done = pieces(tmp_path)
    assert start(tmp_path, tmp_path / "third").wait(60) == 0
    assert files(tmp_path / "set") == files(tmp_path / "expected")
    assert not (tmp_path / ".set.part").exists()
    again = {int(path.name.split(".")[0]) for path in (tmp_path / "third").iterdir()}
    finished = {i for name in done for i in range(MANY)[int(name[:5]) * PIECE :][:PIECE]}
    assert again == set(range(MANY)) - finished  # nothing that was finished was made twice


@pytest.mark.parametrize("step", ["_write_images", "_write_labels", "_write_report", "replace"])
def test_a_failure_while_the_set_is_put_together_leaves_no_set(
    step, expected, tmp_path, monkeypatch
):
    def fail(*_):
        raise RuntimeError("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(os if step == "replace" else assembling, step, fail)
        if step == "replace":  # of the folder only
            real = os.rename
            broken.setattr(os, "replace", lambda a, b: fail() if Path(a).is_dir() else real(a, b))
        with pytest.raises(RuntimeError):
            make(Painter().job(), tmp_path / "set", workers=1)
    assert not (tmp_path / "set").exists()
    make(Painter().job(make=None), tmp_path / "set", workers=1)  # every piece was there
    assert files(tmp_path / "set") == expected


def test_files_that_changed_meanwhile_are_read_again(tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(packing, "assemble", fail)
        with pytest.raises(RuntimeError):
            make(Painter(300).job(), tmp_path / "set", workers=1)
    assert len(pieces(tmp_path)) == 3
    changed = [replace(item, changed=1) for item in Painter(300).job().items]
    marks = tmp_path / "marks"
    marks.mkdir()
    make(Painter(300, marks=str(marks)).job(items=changed), tmp_path / "set", workers=1)
    assert len(list(marks.iterdir())) == 300


def test_a_damaged_piece_is_made_again(tmp_path, expected, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(packing, "assemble", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            make(Painter().job(), tmp_path / "set", workers=1)
    path = tmp_path / ".set.part" / "00002.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(BookError, match="a finished piece was damaged"):
        make(Painter().job(), tmp_path / "set", workers=1)
    make(Painter().job(), tmp_path / "set", workers=1)
    assert files(tmp_path / "set") == expected


def test_two_processes_do_not_make_one_set(tmp_path):
    import filelock

    (tmp_path / ".set.part").mkdir()
    with (
        filelock.FileLock(tmp_path / ".set.part" / "lock"),
        pytest.raises(BookError, match="another process is making"),
    ):
        make(Painter(5).job(), tmp_path / "set")


@pytest.mark.slow
def test_a_worker_that_dies_is_one_sentence(tmp_path):
    with pytest.raises(BookError, match="a worker process died.*--workers 1"):
        make(Painter(dies=True).job(), tmp_path / "set", workers=2)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("free", [1_000, 60_000])
def test_a_full_disk_is_one_sentence_and_the_work_goes_on(free, expected, tmp_path):
    """The limit strikes at the first piece, and while the set is put together."""
    with full_disk(free), pytest.raises(BookError, match="could not write .*(space|finished work)"):
        make(Painter().job(), tmp_path / "set", workers=1)
    assert not (tmp_path / "set").exists()
    make(Painter().job(), tmp_path / "set", workers=1)
    assert files(tmp_path / "set") == expected


# --- what is refused --------------------------------------------------------------------------


def test_strict_makes_no_set_and_a_later_call_without_it_makes_nothing_twice(tmp_path, expected):
    with pytest.raises(BookError, match="--strict, and 12 of 600 .*\n  49.png: number 49"):
        make(Painter().job(), tmp_path / "set", workers=1, strict=True)
    assert not (tmp_path / "set").exists()
    make(Painter().job(make=None), tmp_path / "set", workers=1)
    assert files(tmp_path / "set") == expected


def test_strict_also_refuses_a_set_that_was_made_before(tmp_path):
    make(Painter().job(), tmp_path / "set", workers=1)
    with pytest.raises(BookError, match="--strict, and .* made before with 12 pictures dropped"):
        make(Painter().job(), tmp_path / "set", strict=True)


def test_a_damaged_set_is_not_called_finished(tmp_path):
    make(Painter(5).job(), tmp_path / "set", workers=1)
    os.truncate(tmp_path / "set" / "images.npy", 300)
    with pytest.raises(BookError, match="damaged"):
        make(Painter(5).job(), tmp_path / "set")


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_wait(tmp_path):
    (tmp_path / "marks").mkdir()
    process = start(tmp_path, tmp_path / "marks")
    while not pieces(tmp_path):
        assert process.poll() is None, "it ended before it could be stopped"
        time.sleep(0.005)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert process.wait(20) != 0
    assert not (tmp_path / "set").exists()


def test_a_set_of_nothing_is_refused(tmp_path):
    def drop(item):
        raise Dropped("too dark")

    with pytest.raises(BookError, match="no picture could be kept. 3 x too dark; 1 x unsafe"):
        job = Painter(3).job(make=drop, refused=[("x", "unsafe")])
        make(job, tmp_path / "set", workers=1)
    with pytest.raises(BookError, match="there is nothing to make"):
        make(Painter(0).job(), tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_workers_must_be_at_least_one(tmp_path):
    with pytest.raises(BookError, match="--workers is 0"):
        make(Painter(3).job(), tmp_path / "set", workers=0)


def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BookError, match="cannot write to"):
        make(Painter(3).job(), tmp_path / "file" / "set")


# --- details ----------------------------------------------------------------------------------


def test_repeated_pictures_are_counted(tmp_path):
    same = Painter(10).job(make=lambda item: Made(picture(item.place % 4)))
    make(same, tmp_path / "set", workers=1)
    assert read_set(tmp_path / "set").manifest["exact_duplicates"] == 6


def test_thousands_of_classes_have_room(tmp_path):
    items = [Item(str(i), i, label=i * 100) for i in range(30)]
    job = Painter().job(items=items, classes=[str(i) for i in range(3_000)])
    make(job, tmp_path / "set", workers=1)
    made = read_set(tmp_path / "set", verify=True)
    assert made.labels.tolist() == [i * 100 for i in range(30)]
    assert np.load(tmp_path / "set" / "labels.npy").dtype == np.uint16


def test_verify_sees_one_changed_label(tmp_path):
    make(Painter(5).job(), tmp_path / "set", workers=1)
    labels = np.load(tmp_path / "set" / "labels.npy")
    assert (
        checksum(labels)
        == json.loads((tmp_path / "set" / "manifest.json").read_text())["labels_sha256"]
    )
    labels[2] = 0
    np.save(tmp_path / "set" / "labels.npy", labels)
    read_set(tmp_path / "set")
    with pytest.raises(BookError, match="the labels in .* do not match"):
        read_set(tmp_path / "set", verify=True)
    (tmp_path / "set" / "labels.npy").unlink()
    with pytest.raises(BookError, match="has lost its labels"):
        read_set(tmp_path / "set")


def test_a_name_that_is_no_text_can_be_reported(tmp_path):
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    make(Painter(1).job(items=[Item(name, 0, label=0)]), tmp_path / "set", workers=1)
    assert "caf\\udce9.png,kept" in (tmp_path / "set" / "report.csv").read_text()


def test_the_last_piece_may_be_short(tmp_path):
    make(Painter(PIECE + 1).job(), tmp_path / "set", workers=1)
    assert len(read_set(tmp_path / "set")) == PIECE + 1 - (PIECE + 1) // 50
