"""Drawn faces: the same on every call, all different, and at hand for a chapter."""

import os
import subprocess
import sys

import numpy as np
import pytest

from data_prep import avatars as drawing
from data_prep.avatars import Avatars
from data_prep.pack import pack
from lsgan_lib import book
from lsgan_lib.data import read_set
from lsgan_lib.errors import BookError


@pytest.fixture(scope="module")
def thirty(tmp_path_factory):
    out = tmp_path_factory.mktemp("avatars") / "set"
    pack(Avatars(30).job(), out, workers=1, progress=False)
    return read_set(out, verify=True)


def test_they_are_pictures_and_no_two_are_the_same(thirty):
    assert thirty.images.shape == (30, 3, 64, 64)
    assert thirty.manifest["exact_duplicates"] == 0 and thirty.manifest["licence"] == "CC BY 4.0"
    assert thirty.images.float().std(dim=(1, 2, 3)).min() > 20  # none is blank


def test_their_faces_are_where_one_expects_a_face(thirty):
    """The middle differs from the background, one pale colour that fills the upper corners."""
    images = thirty.images.numpy().astype(int)
    corner = images[:, :, :4, :4]
    assert np.ptp(corner.reshape(30, 3, -1), axis=2).max() == 0 and corner.min() > 150
    middle = images[:, :, 24:44, 24:40]
    assert abs(middle - corner[:, :, :1, :1]).mean(axis=(1, 2, 3)).min() > 20


def test_avatar_i_is_the_same_in_sets_of_any_size(thirty):
    for i in (0, 17):
        (item,) = [item for item in Avatars(18).job().items if item.place == i]
        assert (Avatars(18)._make(item).pixels == thirty.images[i].numpy()).all()


def test_another_seed_draws_others(thirty):
    source = Avatars(1, seed=1)
    assert (source._make(source.job().items[0]).pixels != thirty.images[0].numpy()).any()
    assert Avatars(1, seed=1).name == "avatars64-1-seed1" and Avatars().name == "avatars64"


def test_the_size_is_drawn_not_resized():
    source = Avatars(1, size=128)
    assert source._make(source.job().items[0]).pixels.shape == (3, 128, 128)


@pytest.mark.parametrize("flags", [{"count": 0}, {"size": 4}])
def test_impossible_flags_are_refused(flags):
    with pytest.raises(BookError, match="must be at least"):
        Avatars(**flags).job()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(drawing, "_PACKAGES", ("no-such-package",))
    with pytest.raises(BookError, match="needs the package no-such-package"):
        Avatars(1).job()


def test_a_chapter_draws_them_once_and_prints_one_line_each_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    first = book.avatars(5)
    line = capsys.readouterr()
    monkeypatch.setattr(Avatars, "_make", None)
    second = book.avatars(5)
    assert (first.images == second.images).all() and capsys.readouterr() == line
    assert "5 faces" in line.out and line.err == ""
    assert [path.name for path in tmp_path.iterdir()] == ["avatars64-5"]


def test_two_pages_may_draw_the_same_faces_at_once(tmp_path):
    """As when two chapters are tested side by side on a new machine."""
    code = "from lsgan_lib.book import avatars; print(int(avatars(40).images.sum()))"
    pages = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=os.environ | {"LSGAN_DATA": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [page.communicate(timeout=120)[0] for page in pages]
    assert [page.returncode for page in pages] == [0, 0, 0]
    assert said[0].splitlines()[-1].isdigit() and len(set(said)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["avatars64-40"]


def test_a_chapter_takes_them_from_the_whole_set_where_there_is_one(tmp_path, monkeypatch, thirty):
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    pack(Avatars(6).job(), tmp_path / "avatars64", workers=1, progress=False)
    monkeypatch.setattr(Avatars, "_make", None)
    assert (book.avatars(4).images == thirty.images[:4]).all()
    assert [path.name for path in tmp_path.iterdir()] == ["avatars64"]
