"""TensorBoard's files, read back with its own reader: each point once, whatever happened."""

import io
import sys

import numpy as np
import pytest
from full_disk import full_disk
from PIL import Image

from lsgan_lib.errors import BookError
from lsgan_lib.training.tensorboard import Board


def png(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (3, 2), shade).save(buffer, format="PNG")
    return buffer.getvalue()


def row(images: int, loss: float) -> dict[str, float]:
    return {"images": float(images), "critic_loss": loss, "images_per_second": 7.0}


def read(folder):
    """What TensorBoard would show: points of each curve, and grey level of each picture."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0}).Reload()
    curves = {
        tag: [(e.step, round(e.value, 4)) for e in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }
    pictures = [
        (e.step, np.asarray(Image.open(io.BytesIO(e.encoded_image_string))))
        for tag in events.Tags()["images"]
        for e in events.Images(tag)
    ]
    return curves, [(step, pixels.shape, int(pixels.max())) for step, pixels in pictures]


def write(folder, first, *points):
    """Points of (images, value): floats are rows of the log, integers shades of a picture."""
    board = Board(folder, first)
    for images, value in points:
        if isinstance(value, int):
            board.picture(images, png(value))
        else:
            board.row(row(images, value))
    board.close()


def test_rows_become_curves_and_pictures_stay_pictures(tmp_path):
    write(tmp_path, 0, (0, 10), (100, 0.5), (200, 0.25), (200, 20))
    curves, pictures = read(tmp_path)
    assert curves == {
        "critic_loss": [(100, 0.5), (200, 0.25)],
        "images_per_second": [(100, 7.0), (200, 7.0)],
    }
    assert pictures == [(0, (2, 3, 3), 10), (200, (2, 3, 3), 20)]


def test_what_a_killed_run_wrote_after_its_last_state_is_not_doubled(tmp_path):
    """The state is of 200 images; the run was killed after 300."""
    write(tmp_path, 0, (0, 10), (100, 0.1), (200, 0.2), (200, 20), (300, 0.3), (300, 30))
    write(tmp_path, 200, (300, 0.9), (300, 90), (400, 0.4))
    curves, pictures = read(tmp_path)
    assert curves["critic_loss"] == [(100, 0.1), (200, 0.2), (300, 0.9), (400, 0.4)]
    assert [(step, shade) for step, _, shade in pictures] == [(0, 10), (200, 20), (300, 90)]


def test_a_run_killed_before_its_first_state_begins_anew(tmp_path):
    write(tmp_path, 0, (0, 10), (100, 0.1))
    write(tmp_path, 0, (0, 11))
    curves, pictures = read(tmp_path)
    assert curves.get("critic_loss", []) == []
    assert [(step, shade) for step, _, shade in pictures] == [(0, 11)]


@pytest.mark.parametrize("again", [[(200, 0.8), (200, 80)], [(150, 80), (200, 0.8), (200, 81)]])
def test_a_run_that_goes_back_takes_back_what_it_wrote(tmp_path, again):
    """From 300 images back to 100, in one process; what came first after that differs."""
    before = [(100, 0.1), (150, 15), (200, 0.2), (200, 20), (300, 0.3)]
    write(tmp_path, 0, *before, *again, (300, 0.7))
    curves, pictures = read(tmp_path)
    assert curves["critic_loss"] == [(100, 0.1), (200, 0.8), (300, 0.7)]
    kept = [] if (150, 80) in again else [(150, 15)]
    expected = kept + [(images, shade) for images, shade in again if isinstance(shade, int)]
    assert [(step, shade) for step, _, shade in pictures] == expected


def test_a_point_is_in_the_file_before_the_call_returns(tmp_path):
    """A kill may come at any moment: the board is left open here."""
    board = Board(tmp_path, 0)
    board.row(row(100, 0.5))
    board.picture(100, png(9))
    curves, pictures = read(tmp_path)
    assert curves["critic_loss"] == [(100, 0.5)] and [p[2] for p in pictures] == [9]
    board.close()


def test_without_the_package_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(BookError, match="pip install tensorboard"):
        Board(tmp_path / "board", 0)
    assert not (tmp_path / "board").exists()


def test_a_full_disk_is_one_sentence(tmp_path, capfd):
    with pytest.raises(BookError, match="Free some space, or go on without --tensorboard"):
        with full_disk(1_000):
            board = Board(tmp_path, 0)
            for images in range(100):
                board.row(row(images, 0.5))
    assert capfd.readouterr() == ("", "")


def test_many_returns_stay_in_order(tmp_path):
    """More files than one digit counts, all within a second."""
    board = Board(tmp_path, 0)
    for loss in range(12):
        board.row(row(100, loss))
    board.close()
    assert read(tmp_path)[0]["critic_loss"] == [(100, 11.0)]


def test_where_no_folder_can_be_made_it_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BookError, match="could not write to .*file"):
        Board(tmp_path / "file", 0)
