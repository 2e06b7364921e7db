"""Films are read back picture by picture, and no file ever takes the place of another."""

import builtins
import io
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

from lsgan_lib import films
from lsgan_lib.errors import BookError


def fading(count: int = 12, channels: int = 1, size: int = 14) -> torch.Tensor:
    """Grey squares, each brighter than the one before, with a dark left half."""
    greys = torch.linspace(-0.5, 1, count).view(count, 1, 1, 1)
    images = greys.repeat(1, channels, size, size)
    images[:, :, :, : size // 2] = -1
    return images


def test_frames_are_enlarged_by_whole_pixels_to_even_sides():
    images = torch.tensor([[-1.0, 1.0, 0.0]]).view(1, 1, 1, 3).expand(1, 1, 3, 3)
    large = films.frames(images, width=8)  # 3 times 3 would be odd
    assert large.shape == (1, 12, 12, 3) and large.dtype == np.uint8
    assert large[0, 0, :, 0].tolist() == [0] * 4 + [255] * 4 + [128] * 4
    raw = torch.full((2, 3, 4, 4), 7, dtype=torch.uint8)
    assert (films.frames(raw, width=4) == 7).all()
    with pytest.raises(ValueError, match="must have shape"):
        films.frames(torch.zeros(0, 1, 4, 4))


def test_a_png_holds_the_very_pixels():
    image = Image.open(io.BytesIO(films.png(fading(), width=28)))
    assert image.size == (28, 28)
    assert (np.asarray(image) == films.frames(fading()[:1], 28)[0]).all()


def test_a_gif_holds_every_picture_and_its_time():
    film = Image.open(io.BytesIO(films.gif(fading(), width=28, per_second=20)))
    assert film.n_frames == 12 and film.info["loop"] == 0
    wanted = films.frames(fading(), 28)
    for number in range(12):
        film.seek(number)
        assert film.info["duration"] == 50  # ms
        assert np.abs(np.asarray(film.convert("RGB")).astype(int) - wanted[number]).max() <= 2


@pytest.mark.parametrize("channels", [1, 3])
def test_an_mp4_is_h264_that_browsers_show_and_holds_every_picture(channels):
    content = films.mp4(fading(channels=channels), width=112, per_second=20)
    with av.open(io.BytesIO(content)) as film:
        stream = film.streams.video[0]
        assert stream.codec_context.name in ("h264", "libopenh264")
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == Fraction(20)
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    wanted = films.frames(fading(), 112)
    assert len(shown) == 12
    for picture, original in zip(shown, wanted, strict=True):
        assert picture.shape == original.shape
        assert np.abs(picture.astype(int) - original).mean() < 3  # of 255: lossy, not wrong


def test_without_h264_a_film_is_still_a_film(monkeypatch):
    monkeypatch.setattr(films, "ENCODERS", ("no such encoder", "mpeg4"))
    assert films.encoder() == "mpeg4"
    with av.open(io.BytesIO(films.mp4(fading(), width=56))) as film:
        assert film.streams.video[0].codec_context.name == "mpeg4"
        assert len(list(film.decode(video=0))) == 12
    monkeypatch.setattr(films, "ENCODERS", ("no such encoder",))
    with pytest.raises(BookError, match="save a GIF instead"):
        films.mp4(fading())


def test_without_pyav_a_sentence_says_what_to_do(monkeypatch):
    real = builtins.__import__

    def no_av(name, *rest):
        if name == "av":
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_av)
    with pytest.raises(BookError, match="pip install av"):
        films.mp4(fading())


def test_no_file_is_overwritten(tmp_path):
    folder = tmp_path / "new" / "folder"
    paths = [films.write_new(folder, "walk", "gif", bytes([n])) for n in range(3)]
    assert [path.name for path in paths] == ["walk-1.gif", "walk-2.gif", "walk-3.gif"]
    (folder / "walk-2.gif").unlink()
    (folder / "walk-4.gif").write_bytes(b"mine")
    assert films.write_new(folder, "walk", "gif", b"again").name == "walk-2.gif"
    assert films.write_new(folder, "walk", "gif", b"again").name == "walk-5.gif"
    assert (folder / "walk-4.gif").read_bytes() == b"mine"
    assert films.write_new(folder, "walk", "png", b"other").name == "walk-1.png"


def test_what_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BookError, match="choose another folder"):
        films.write_new(tmp_path / "file", "walk", "gif", b"")


def test_half_a_file_is_not_left(tmp_path):
    with pytest.raises(TypeError):
        films.write_new(tmp_path, "walk", "gif", None)
    assert list(tmp_path.iterdir()) == []
