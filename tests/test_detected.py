"""The face detector behind one call: it tells faces from what is none, and it can be missing."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from drawn_face import blank, with_face

from lsgan_lib.data import to_float
from lsgan_lib.errors import BookError
from lsgan_lib.evaluation.detected import faces_found


def pixels(*pictures) -> torch.Tensor:
    return torch.stack([torch.from_numpy(np.array(one)).permute(2, 0, 1) for one in pictures])


@pytest.fixture(scope="module")
def small() -> torch.Tensor:
    """A face as in CelebA at 64 pixels, no face, and the face's patches in another order."""
    face = pixels(with_face(blank(64, 64), (32, 30), scale=0.3))[0]
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    pieces = face.reshape(3, 8, 8, 8, 8).permute(1, 3, 0, 2, 4).reshape(64, 3, 8, 8)[order]
    patches = pieces.reshape(8, 8, 3, 8, 8).permute(2, 0, 3, 1, 4).reshape(3, 64, 64)
    return torch.stack([face, pixels(blank(64, 64))[0], patches])


def test_a_face_is_found_and_what_is_none_is_not(small):
    assert faces_found(small).tolist() == [True, False, False]


def test_pixels_and_numbers_between_minus_one_and_one_are_the_same(small):
    assert faces_found(to_float(small)).tolist() == faces_found(small).tolist()


def test_only_sure_finds_count():
    """A detector that reports the brightness of a picture as its probability."""
    images = torch.stack([torch.full((3, 8, 8), value) for value in (-1.0, 0.9, 1.0)])

    def by_brightness(picture, smallest):
        assert smallest == 5
        return [SimpleNamespace(score=np.asarray(picture).mean() / 255)]

    def found(sure):
        return faces_found(images, smallest=5, sure=sure, detect=by_brightness).tolist()

    assert found(0.99) == [False, False, True] and found(0.9) == [False, True, True]
    assert faces_found(images, detect=lambda picture, smallest: []).tolist() == [False] * 3


def test_grey_pictures_are_refused():
    with pytest.raises(ValueError, match="colour images"):
        faces_found(torch.zeros(2, 1, 64, 64))


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "data_prep.detectors", None)
    with pytest.raises(BookError, match=r"\[prep\]"):
        faces_found(torch.zeros(1, 3, 64, 64))


def test_the_library_is_imported_without_the_detector():
    """No module of the library imports what prepares data before it is asked to."""
    import subprocess

    code = "import sys, lsgan_lib.evaluation.detected; print('data_prep' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
