"""Files are written whole or not at all, whatever comes between."""

import json
import os
import signal
import subprocess
import sys

import pytest
from full_disk import full_disk

from lsgan_lib import files
from lsgan_lib.errors import BookError
from lsgan_lib.files import atomic, read_json, sha256, write_json


def test_a_block_that_ends_well_leaves_the_file_and_nothing_else(tmp_path):
    with atomic(tmp_path / "a.bin") as file:
        file.write(b"new")
        assert not (tmp_path / "a.bin").exists()  # not before the block has ended
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, BookError, SystemExit])
def test_an_error_within_the_block_leaves_the_old_file_and_nothing_else(tmp_path, error):
    (tmp_path / "a.bin").write_bytes(b"old")
    with pytest.raises(error), atomic(tmp_path / "a.bin") as file:
        file.write(b"half of the n")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"old"


@pytest.mark.parametrize("size", [5_000, 5_000_000])  # below and above Python's own buffer
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path, size):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with full_disk(free=4_096), pytest.raises(BookError, match="could not write .*a.bin") as caught:
        with atomic(path) as file:
            file.write(bytes(size))
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    assert path.read_bytes() == b"old"


def test_a_full_disk_takes_what_still_fits(tmp_path):
    """So that the test above is about the size and not about the limit as such."""
    with full_disk(free=4_096), atomic(tmp_path / "a.bin") as file:
        file.write(bytes(4_096))
    assert (tmp_path / "a.bin").stat().st_size == 4_096


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(BookError, match="could not write .*nowhere"):
        with atomic(tmp_path / "nowhere" / "a.bin") as file:
            file.write(b"new")
    assert list(tmp_path.iterdir()) == []


def test_bytes_are_on_the_disk_before_the_file_takes_its_name(tmp_path, monkeypatch):
    """Else a power cut could leave the new name on an empty file."""
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(files.os, "fsync", lambda fd: (order.append("fsync"), fsync(fd)))
    monkeypatch.setattr(files.os, "replace", lambda *a: (order.append("replace"), replace(*a)))
    with atomic(tmp_path / "a.bin") as file:
        file.write(b"new")
        file.flush()
        order.append("written")
    assert order == ["written", "fsync", "replace"]


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    program = (
        "import sys; from lsgan_lib.files import atomic\n"
        "with atomic(sys.argv[1]) as file:\n"
        "    file.write(bytes(100_000)); file.flush(); print('now', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"now\n"
        writer.send_signal(signal.SIGKILL)
    assert path.read_bytes() == b"old"


def test_json_comes_back_as_it_went_and_is_written_for_people(tmp_path):
    content = {"name": "ξ → G(ξ)", "numbers": [1, 2.5, None], "nested": {"a": True}}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "ξ → G(ξ)" in text and text.endswith("\n") and len(text.splitlines()) > 5


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": object()})
    assert json.loads((tmp_path / "a.json").read_text()) == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff\xfe"])
def test_damaged_json_is_one_sentence_naming_the_file(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(BookError, match=r"a\.json cannot be read"):
        read_json(tmp_path / "a.json")


def test_missing_json_is_one_sentence_naming_the_file(tmp_path):
    with pytest.raises(BookError, match=r"there is no file .*a\.json"):
        read_json(tmp_path / "a.json")


def test_checksum_of_the_standard_s_own_example():
    """FIPS 180-2, appendix B.1."""
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(b"abc") == expected
