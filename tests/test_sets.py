"""`lsgan data`: what there is, one set in words, and whether its bytes are still right."""

import json

import numpy as np
import pytest
import torch
from prep_pictures import encoded, noise

from lsgan_lib import cli
from lsgan_lib.data import make_set, write_set
from lsgan_lib.errors import BookError
from lsgan_lib.sets import find_set


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A data folder with one set of six pictures, three of them cats."""
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    images = torch.arange(6 * 3 * 8 * 8).remainder(256).to(torch.uint8).view(6, 3, 8, 8)
    facts = {"source": "the test", "licence": "CC0", "classes": ["cat", "dog"]}
    write_set(
        tmp_path / "pets8",
        make_set(images, torch.tensor([0, 0, 0, 1, 1, 1]), name="pets8", **facts),
    )
    return tmp_path


def said(capsys, *arguments: str) -> str:
    cli.main(["data", *arguments])
    return capsys.readouterr().out


def refusal(*arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        cli.main(["data", *arguments])
    return str(end.value.code)


def test_the_list_has_the_readers_sets_and_the_books(home, capsys):
    lines = said(capsys, "list").splitlines()
    assert [line.split()[0] for line in lines] == ["mnist_5000", "pets8"]
    kilobytes = sum(path.stat().st_size for path in (home / "pets8").iterdir()) / 1000
    assert lines[1].split() == f"pets8 6 8 x 8 RGB {kilobytes:.3g} kB CC0".split()


def test_a_damaged_set_is_listed_with_what_is_wrong(home, capsys):
    (home / "pets8" / "images.npy").write_bytes(b"x")
    assert "the image set in" in said(capsys, "list").splitlines()[1]


def test_show_says_what_the_manifest_says(home, capsys):
    text = said(capsys, "show", "pets8")
    for part in ("6, 8 x 8 RGB", "the test", "CC0", "cat 3, dog 3"):
        assert part in text


def test_verify_reads_every_byte(home, capsys):
    assert "6 pictures match their checksum" in said(capsys, "verify", "pets8")
    pixels = np.load(home / "pets8" / "images.npy")
    pixels[5, 2, 7, 7] ^= 1
    np.save(home / "pets8" / "images.npy", pixels)
    assert "the pixels in" in refusal("verify", "pets8")


def test_a_set_is_found_by_path_by_name_and_among_the_books_own(home):
    assert find_set("pets8") == find_set(str(home / "pets8")).relative_to(home)
    assert find_set("mnist_5000").name == "mnist_5000"
    with pytest.raises(BookError, match="no data called 'cats'.*lsgan data list"):
        find_set("cats")


@pytest.mark.parametrize(
    "change",
    [{"name": None}, {"licence": None}, {"options": []}, {"dropped": ["a.png"]}, {"count": 99},
     {"sha256": None}, {"classes": ["cat"]}, {"shape": [6]}],
)  # fmt: skip
def test_a_manifest_of_another_kind_is_one_sentence_and_the_list_goes_on(home, capsys, change):
    path = home / "pets8" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert "pets8" in refusal("show", "pets8")
    assert "pets8" in said(capsys, "list")
    path.write_text("[]")
    assert "pets8" in refusal("show", "pets8")


@pytest.mark.parametrize("arguments", [["show"], ["verify", "a", "b"]])
def test_one_set_must_be_named(home, arguments):
    assert "name one set" in refusal(*arguments)


def test_an_unknown_source_lists_those_that_there_are(home):
    assert "there is no source 'cats'; there are mnist," in refusal("cats")


def test_help_names_every_source(capsys):
    from data_prep.sources import NAMES, source

    text = said(capsys, "--help")
    for name in NAMES:
        assert name in text
        assert source(name).__doc__


@pytest.mark.slow
def test_every_source_explains_its_flags(capsys):
    from data_prep.sources import NAMES

    for name in NAMES:
        with pytest.raises(SystemExit) as end:
            cli.main(["data", name, "--help"])
        assert end.value.code == 0
        text = capsys.readouterr().out
        assert "--out" in text and "--strict" in text and f"lsgan data {name}" in text


def test_from_pictures_to_training(home, capsys, monkeypatch):
    """Prepared by one command, a set is trained on by its name."""
    (home / "mine").mkdir()
    for i in range(16):
        (home / "mine" / f"{i}.png").write_bytes(encoded(noise(i, 28, 28)))
    cli.main(["data", "folder", "--from", "mine", "--size", "28", "--grey", "--workers", "1"])
    assert "16 pictures in" in capsys.readouterr().out
    flags = ["--data", "mine28", "--networks.width", "0.001", "--images", "16", "--batch-size", "8"]
    cli.main(["train", "mnist-least-squares", *flags, "--device", "cpu", "--out", "run"])
    assert "16 images shown" in capsys.readouterr().out


def test_dropped_pictures_show_in_the_exit_code(home, capsys):
    (home / "mine").mkdir()
    (home / "mine" / "a.png").write_bytes(encoded(noise(0)))
    (home / "mine" / "b.png").write_bytes(b"")
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "folder", "--from", "mine", "--workers", "1"])
    assert end.value.code == 3
    assert "1 x empty file (0 bytes)" in capsys.readouterr().err


def test_a_set_of_a_newer_format_is_named_as_such_whatever_its_fields(home):
    (home / "pets8" / "manifest.json").write_text('{"format": 2, "pictures": "elsewhere"}')
    assert "made by a newer version of this book" in refusal("show", "pets8")
