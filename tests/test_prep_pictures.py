"""From a picture file to pixels: every mode, every orientation, and what is refused."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from prep_pictures import encoded, huge_png, noise

from data_prep.job import Dropped
from data_prep.pictures import decode, fit, pixels, too_small

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


def corners(image: Image.Image) -> list[tuple[int, int, int]]:
    """Upper left, upper right, lower left, lower right."""
    width, height = image.size
    places = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)]
    return [image.getpixel(place) for place in places]


def four_corners(width: int = 6, height: int = 4) -> Image.Image:
    image = Image.new("RGB", (width, height), "black")
    for place, colour in zip(
        [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)],
        [RED, GREEN, BLUE, WHITE],
        strict=True,
    ):
        image.putpixel(place, colour)
    return image


# How a camera's picture must be turned, by its EXIF note: what then stands in the four corners.
UPRIGHT = {
    1: [RED, GREEN, BLUE, WHITE],
    2: [GREEN, RED, WHITE, BLUE],
    3: [WHITE, BLUE, GREEN, RED],
    4: [BLUE, WHITE, RED, GREEN],
    5: [RED, BLUE, GREEN, WHITE],
    6: [BLUE, RED, WHITE, GREEN],
    7: [WHITE, GREEN, BLUE, RED],
    8: [GREEN, WHITE, RED, BLUE],
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_picture_stands_as_its_exif_note_says(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    image = decode(encoded(four_corners(), "PNG", exif=exif))
    assert corners(image) == UPRIGHT[orientation]
    assert image.size == ((6, 4) if orientation < 5 else (4, 6))


def test_a_damaged_exif_note_does_not_cost_the_picture():
    exif = b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 20
    image = decode(encoded(noise(0), "JPEG", quality=95, exif=exif))
    assert image.size == (48, 40)


def test_sixteen_bit_greys_keep_black_white_and_everything_between():
    values = np.linspace(0, 65535, 256).round().astype(np.uint16)[None].repeat(8, axis=0)
    data = encoded(Image.fromarray(values))
    assert Image.open(io.BytesIO(data)).mode == "I;16"
    grey = np.asarray(decode(data, channels=1))
    assert (grey == np.arange(256)).all()
    assert (np.asarray(decode(data)) == np.arange(256)[None, :, None]).all()


@pytest.mark.parametrize(
    ("mode", "white"),
    [("1", 1), ("L", 255), ("P", 215), ("CMYK", (0, 0, 0, 0)), ("YCbCr", (255, 128, 128)),
     ("LAB", (255, 128, 128))],
)  # fmt: skip
def test_white_is_white_in_every_mode(mode, white):
    image = Image.new(mode, (8, 8), white)
    if mode == "P":
        image.putpalette([255, 255, 255] * 256)
    shown = decode(encoded(image, "TIFF"))
    assert shown.mode == "RGB" and np.asarray(shown).min() >= 250


def test_cmyk_ink_is_dark():
    ink = Image.new("CMYK", (8, 8), (0, 0, 0, 255))
    assert np.asarray(decode(encoded(ink, "JPEG"))).max() <= 5


def test_a_palette_keeps_its_colours():
    image = four_corners().quantize(8)
    assert image.mode == "P" and corners(decode(encoded(image))) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize(("mode", "clear"), [("RGBA", (9, 9, 9, 0)), ("LA", (9, 0))])
def test_what_is_transparent_becomes_white(mode, clear):
    image = Image.new(mode, (4, 4), clear)
    assert (np.asarray(decode(encoded(image))) == 255).all()


def test_half_transparent_black_is_grey():
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    assert abs(np.asarray(decode(encoded(image))).astype(int) - 127).max() <= 1


def test_a_transparent_palette_colour_becomes_white():
    image = four_corners().quantize(8)
    index = image.getpixel((0, 0))
    shown = decode(encoded(image, transparency=index))
    assert corners(shown) == [WHITE, GREEN, BLUE, WHITE]


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert set(corners(decode(data))) == {RED}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000"])
def test_contents_decide_what_a_file_is(kind):
    assert decode(encoded(Image.new("RGB", (16, 16), "white"), kind)).size == (16, 16)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"empty file \(0 bytes\)"),
        (b"plain text", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (encoded(noise(0))[:-30], "damaged"),
        (encoded(noise(0), "JPEG")[:900], "damaged .*truncated"),
        (encoded(noise(0))[:20], "damaged|not a picture"),
        (huge_png(50_000, 50_000), "decompression bomb"),
        (huge_png(10_000, 10_000), "decompression bomb"),
        (encoded(Image.new("F", (4, 4), 0.5), "TIFF"), "floating-point"),
        (encoded(Image.new("I", (4, 4), 70_000), "TIFF"), "32-bit"),
        (encoded(Image.new("I", (4, 4), -1), "TIFF"), "32-bit"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_dropped_with_its_reason(data, reason):
    with pytest.raises(Dropped) as caught:
        decode(data)
    assert re.search(reason, str(caught.value))


def test_the_largest_square_in_the_middle_is_cut_out():
    wide = Image.new("RGB", (30, 10), "black")
    wide.paste(Image.new("RGB", (10, 10), "white"), (10, 0))
    assert (pixels(fit(wide, 10)) == 255).all()
    assert (pixels(fit(wide.transpose(Image.Transpose.ROTATE_90), 10)) == 255).all()
    assert 0 < pixels(fit(wide, 10, how="squash")).mean() < 255


def test_a_box_is_cut_to_the_fraction_of_a_pixel():
    ramp = Image.fromarray(np.arange(0, 250, 10, dtype=np.uint8)[None].repeat(25, 0))
    left, right = (pixels(fit(ramp, 4, box=(x, 0, x + 8, 8))).mean() for x in (2, 2.5))
    assert right - left == pytest.approx(5, abs=1)


def test_shrinking_averages_instead_of_picking_pixels():
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    small = pixels(fit(Image.fromarray(stripes), 8)).astype(int)
    assert abs(small - 127.5).max() < 12  # one pixel in eight would be all 0 or all 255


def test_a_flat_picture_stays_flat_at_any_size():
    for size in (3, 17, 200):
        assert set(np.unique(pixels(fit(Image.new("RGB", (50, 40), (7, 7, 7)), size)))) == {7}


@pytest.mark.parametrize(
    ("side", "smallest", "good"),
    [(32, None, True), (31, None, False), (10, 10, True), (9, 10, False)],
)
def test_half_the_size_is_the_least_unless_said_otherwise(side, smallest, good):
    image = Image.new("RGB", (side, 500))
    if good:
        too_small(image, 64, smallest)
    else:
        with pytest.raises(Dropped, match=f"{side} x 500 pixels"):
            too_small(image, 64, smallest)


def test_channels_come_first():
    array = pixels(four_corners())
    assert array.shape == (3, 4, 6) and array.dtype == np.uint8
    assert array[:, 0, 0].tolist() == list(RED) and array[:, 3, 0].tolist() == list(BLUE)
