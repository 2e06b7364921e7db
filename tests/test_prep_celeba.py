"""CelebA's framings, splits and forms, on pictures whose pixels say where they are."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from drawn_face import blank, with_face
from PIL import Image
from test_prep_faces import outcomes

from data_prep.celeba import CelebA
from data_prep.detectors import haar, mtcnn
from data_prep.face_search import Search
from lsgan_lib.errors import BookError


def coordinates(number=0):
    """An aligned picture that holds its column in red, its row in green, its number in blue."""
    y, x = np.mgrid[:218, :178]
    return Image.fromarray(np.stack([x, y, np.full_like(x, number)], axis=-1).astype(np.uint8))


def folder_of(path, *images, suffix="png"):
    path.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images, start=1):
        image.save(path / f"{number:06}.{suffix}", **({"quality": 95} if suffix == "jpg" else {}))
    return path


def zip_of(path, folder, inside="img_align_celeba/"):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, inside + file.name)
    return path


def one(source):
    (made,) = outcomes(source).values()
    return made


@pytest.mark.parametrize(
    ("framing", "size", "left", "top"), [("center", 128, 25, 50), ("window", 120, 29, 64)]
)
def test_framings_take_exactly_these_rows_and_columns(tmp_path, framing, size, left, top):
    source = CelebA(folder_of(tmp_path, coordinates()), size=size, framing=framing)
    red, green, _ = one(source).pixels
    np.testing.assert_array_equal(red, np.tile(np.arange(left, left + size), (size, 1)))
    np.testing.assert_array_equal(green.T, np.tile(np.arange(top, top + size), (size, 1)))


@pytest.mark.parametrize(
    ("framing", "left", "top", "side"), [("center", 25, 50, 128), ("window", 29, 64, 120)]
)
def test_framings_are_reduced_evenly(tmp_path, framing, left, top, side):
    red, green, _ = one(CelebA(folder_of(tmp_path, coordinates()), framing=framing)).pixels
    middles = (np.arange(64) + 0.5) * side / 64 - 0.5
    inner = slice(2, -2)  # at the edge the filter has pixels on one side only
    assert abs(red[:, inner] - (left + middles)[inner]).max() <= 1
    assert abs(green[inner].T - (top + middles)[inner]).max() <= 1


def test_the_official_zip_of_jpegs_is_read_in_order(tmp_path):
    pictures = folder_of(
        tmp_path / "a",
        *(Image.new("RGB", (178, 218), (i * 40,) * 3) for i in range(5)),
        suffix="jpg",
    )
    source = CelebA(zip_of(tmp_path / "img_align_celeba.zip", pictures))
    job = source.job()
    assert job.name == "celeba64" and job.shape == (3, 64, 64)
    assert [Path(item.name).name for item in job.items] == [f"{i:06}.jpg" for i in range(1, 6)]
    means = [made.pixels.mean() for made in outcomes(source).values()]
    np.testing.assert_allclose(means, [0, 40, 80, 120, 160], atol=1)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_an_unpacked_folder_is_read(tmp_path, suffix):
    pictures = folder_of(tmp_path / "img_align_celeba", coordinates(), coordinates(), suffix=suffix)
    for source in (CelebA(pictures), CelebA(tmp_path)):
        found = outcomes(source)
        assert len(found) == 2
        assert all(made.pixels.shape == (3, 64, 64) for made in found.values())


@pytest.mark.parametrize("framing", ["center", "window", "face"])
def test_a_picture_of_another_size_is_dropped_with_both_sizes(tmp_path, framing):
    source = CelebA(folder_of(tmp_path, Image.new("RGB", (200, 218))), framing=framing)
    assert one(source) == "178x218 expected, got 200x218"


def test_pictures_framed_before_are_told_how_to_be_used(tmp_path):
    reason = one(CelebA(folder_of(tmp_path, Image.new("RGB", (64, 64)))))
    assert reason.startswith("178x218 expected, got 64x64") and "--framing none" in reason


def test_two_zips_of_framed_pictures_with_the_same_names_become_one_set(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2, 3, 64, 64, 3), dtype=np.uint8)
    home = tmp_path / "zips"
    home.mkdir()
    for part in (0, 1):
        pictures = folder_of(tmp_path / str(part), *map(Image.fromarray, pixels[part]))
        zip_of(home / f"part{part + 1}.zip", pictures, inside="")
    source = CelebA(home, framing="none")
    job = source.job()
    assert job.name == "celeba64"
    assert len({item.name for item in job.items}) == 6
    found = np.stack([made.pixels for made in outcomes(source).values()])
    np.testing.assert_array_equal(found, pixels.reshape(6, 64, 64, 3).transpose(0, 3, 1, 2))


def test_framing_none_refuses_what_is_not_square_and_notes_what_is_enlarged(tmp_path):
    source = CelebA(
        folder_of(tmp_path, coordinates(), blank(32, 32), blank(99, 99)), framing="none"
    )
    found = outcomes(source)
    assert found["000001.png"] == "--framing none expects a square picture, got 178x218"
    assert found["000002.png"].note == "enlarged from 32x32"
    assert found["000003.png"].note == ""


# --- framing face --------------------------------------------------------------------------------


def aligned_face(scale=1.0):
    return with_face(blank(178, 218), (89, 111.5), 39 / 44 * scale)


@pytest.mark.parametrize("detector", ["mtcnn", "haar"])
def test_framing_face_is_close_to_the_window_on_an_aligned_picture(tmp_path, detector):
    folder = folder_of(tmp_path, aligned_face())
    eyes = []
    for source in (
        CelebA(folder, size=120, framing="window"),
        CelebA(folder, size=120, framing="face", search=Search(detector=detector)),
    ):
        pixels = one(source).pixels.transpose(1, 2, 0)
        eyes.append(mtcnn(Image.fromarray(pixels), 30)[0].eyes)
    window, face = np.array(eyes)
    np.testing.assert_allclose(window, [(40.5, 47.5), (79.5, 47.5)], atol=3)
    np.testing.assert_allclose(face, window, atol=10)


def test_the_older_codes_detector_sees_only_some_faces(tmp_path):
    folder = folder_of(tmp_path, *(aligned_face(scale) for scale in (0.7, 1.0)))
    older = Search(detector="haar", scale_factor=5, min_neighbours=5, margin=0)
    found = outcomes(CelebA(folder, framing="face", search=older))
    assert found["000001.png"] == "no face found"
    left, top, side, _ = haar(aligned_face(), 24, scale_factor=5)[0].box
    assert side == 120
    box = (left, top, left + side, top + side)
    expected = np.asarray(aligned_face().resize((64, 64), Image.Resampling.BICUBIC, box=box))
    difference = abs(found["000002.png"].pixels - expected.transpose(2, 0, 1).astype(int))
    assert difference.mean() < 2
    usual = outcomes(CelebA(folder, framing="face"))
    assert not any(isinstance(made, str) for made in usual.values())


def test_a_missed_face_is_dropped(tmp_path):
    assert one(CelebA(folder_of(tmp_path, coordinates()), framing="face")) == "no face found"


# --- the official partition ----------------------------------------------------------------------

PARTS = "000001.jpg 0\n000002.jpg 0\n000003.jpg 1\n000004.jpg 2\n"


def numbers(source):
    return [int(made.pixels[2].mean().round()) for made in outcomes(source).values()]


@pytest.mark.parametrize(
    "where", ["in the folder", "beside the folder", "beside the zip", "in the zip"]
)
def test_a_split_is_read_from_the_partition(tmp_path, where):
    folder = folder_of(tmp_path / "img_align_celeba", *map(coordinates, (1, 2, 3, 4)))
    source, name = folder, "list_eval_partition.txt"
    if where == "in the folder":
        (folder / name).write_text(PARTS)
    elif where == "beside the folder":
        (tmp_path / name).write_text(PARTS)
    else:
        source = zip_of(tmp_path / "z.zip", folder)
        if where == "beside the zip":
            (tmp_path / name).write_text(PARTS)
        else:
            with zipfile.ZipFile(source, "a") as archive:
                archive.writestr(f"Eval/{name}", PARTS)
    assert numbers(CelebA(source, split="train")) == [1, 2]
    assert numbers(CelebA(source, split="valid")) == [3]
    assert numbers(CelebA(source, split="test", framing="window")) == [4]
    assert numbers(CelebA(source)) == [1, 2, 3, 4]
    assert CelebA(source, split="train").job().name == "celeba64-train"
    assert CelebA(source, split="test", framing="window").job().name == "celeba64-window-test"
    assert CelebA(source, framing="none").job().name == "celeba64"


def test_the_partition_of_the_copy_on_kaggle_is_read(tmp_path):
    folder = folder_of(
        tmp_path / "img_align_celeba" / "img_align_celeba", *map(coordinates, (1, 2))
    )
    text = "image_id,partition\n000001.jpg,1\n000002.jpg,0\n"
    (tmp_path / "list_eval_partition.csv").write_text(text)
    assert numbers(CelebA(folder.parent, split="train")) == [2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"--split needs CelebA's partition list_eval_partition\.txt"),
        ("000001.jpg\n", "is not CelebA's partition"),
        ("000009.jpg 0\n", "none of the 1 pictures"),
        ("000001.jpg 2\n", "none of the 1 pictures"),
    ],
)
def test_a_partition_that_cannot_serve_is_refused(tmp_path, text, message):
    folder_of(tmp_path / "celeba", coordinates())
    if text is not None:
        (tmp_path / "celeba" / "list_eval_partition.txt").write_text(text)
    with pytest.raises(BookError, match=message):
        CelebA(tmp_path / "celeba", split="train").job()


# --- without --from ------------------------------------------------------------------------------


def test_a_download_that_fails_says_what_to_do_by_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(BookError) as refused:
        CelebA().job()
    text = str(refused.value)
    assert "mmlab.ie.cuhk.edu.hk/projects/CelebA.html" in text
    assert "img_align_celeba.zip" in text and "--from" in text


def test_what_lies_in_the_data_folder_is_not_downloaded_again(tmp_path, monkeypatch):
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    home = tmp_path / "celeba"
    folder = folder_of(home / "img_align_celeba", coordinates())
    assert len(CelebA().job().items) == 1
    zip_of(home / "img_align_celeba.zip", folder_of(tmp_path / "b", *[coordinates()] * 2))
    assert len(CelebA().job().items) == 2
    assert folder.is_dir()


# --- facts ---------------------------------------------------------------------------------------


def test_the_licence_and_the_framing_are_in_the_facts(tmp_path):
    folder = folder_of(tmp_path, aligned_face())
    facts = CelebA(folder).job().facts
    assert facts["licence"] == "non-commercial research only, no redistribution"
    assert "Liu" in facts["attribution"] and "ICCV 2015" in facts["attribution"]
    assert facts["options"] == {"size": 64, "framing": "center", "split": "all"}
    assert set(facts["tools"]) == {"pillow"}
    face = CelebA(folder, framing="face", search=Search(detector="haar")).job()
    assert face.name == "celeba64-face"
    assert face.facts["options"]["scale_factor"] == 1.1
    assert set(face.facts["tools"]) == {"pillow", "opencv"}
    assert str(tmp_path) not in str(facts) + str(face.facts)


def test_packed_from_an_unpacked_folder(tmp_path):
    from data_prep.pack import pack
    from lsgan_lib.data import read_set

    folder = folder_of(tmp_path / "in", coordinates(), Image.new("RGB", (64, 64)), coordinates(7))
    result = pack(CelebA(folder, size=120, framing="window").job(), tmp_path / "out", workers=1)
    assert result.count == 2 and [row["file"] for row in result.dropped] == ["000002.png"]
    images = read_set(tmp_path / "out").images
    assert images[1, :, 0, 0].tolist() == [29, 64, 7]
