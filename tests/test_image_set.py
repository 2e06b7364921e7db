"""Packed image sets: what is written comes back, what is damaged says so, nothing is changed."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from full_disk import full_disk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lsgan_lib.data import ImageSet, digits, make_set, read_set, to_float, to_uint8, write_set
from lsgan_lib.errors import BookError


def some(count: int = 6, *, labels: bool = True, side: int = 4) -> ImageSet:
    random = torch.Generator().manual_seed(count)
    images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=random)
    return make_set(
        images, torch.arange(count) if labels else None, name="some", source="a test", licence="CC0"
    )


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("labels", [False, True])
def test_a_set_comes_back_as_it_went(tmp_path, compressed, labels):
    written = some(labels=labels)
    write_set(tmp_path / "set", written, compressed=compressed)
    read = read_set(tmp_path / "set", verify=True)
    assert torch.equal(read.images, written.images) and read.images.dtype == torch.uint8
    if labels:
        assert torch.equal(read.labels, written.labels) and read.labels.dtype == torch.int64
    else:
        assert read.labels is None
    assert read.manifest == written.manifest
    assert (len(read), read.name) == (6, "some")


def test_the_manifest_says_what_the_set_is(tmp_path):
    images = torch.tensor([[[[0, 1]], [[2, 3]]]], dtype=torch.uint8)  # two channels of one row
    write_set(tmp_path, make_set(images, name="four", source="here", licence="CC0", seed=7))
    assert json.loads((tmp_path / "manifest.json").read_text()) == {
        "format": 1,
        "name": "four",
        "count": 1,
        "shape": [1, 2, 1, 2],
        "source": "here",
        "licence": "CC0",
        "sha256": hashlib.sha256(bytes([0, 1, 2, 3])).hexdigest(),
        "seed": 7,
    }


def test_pixels_stay_on_the_disk_and_are_never_changed_there(tmp_path):
    write_set(tmp_path, some())
    before = bytes_in(tmp_path)
    read = read_set(tmp_path)
    mapped = Path("/proc/self/maps")
    if mapped.exists():
        assert str(tmp_path / "images.npy") in mapped.read_text()
    read.images.fill_(0)
    assert read.images.sum() == 0
    del read
    assert bytes_in(tmp_path) == before
    assert torch.equal(read_set(tmp_path).images, some().images)


def test_a_view_of_turned_images_is_written_in_their_order(tmp_path):
    """Not the bytes as they lie in memory, but the pixels as they are meant."""
    turned = make_set(some().images.transpose(2, 3), name="turned")
    write_set(tmp_path, turned)
    read = read_set(tmp_path, verify=True)
    assert torch.equal(read.images, some().images.transpose(2, 3))


# --- a part of a set -----------------------------------------------------------------------------


def test_the_first_of_a_set_are_a_set_with_facts_of_their_own():
    whole = some()
    part = whole.first(4)
    assert torch.equal(part.images, whole.images[:4]) and part.labels.tolist() == [0, 1, 2, 3]
    own = make_set(whole.images[:4]).manifest
    assert [part.manifest[key] for key in ("count", "shape", "sha256")] == [
        own[key] for key in ("count", "shape", "sha256")
    ]
    assert part.manifest["licence"] == "CC0"
    assert whole.manifest["count"] == 6  # the whole is as it was
    assert some(labels=False).first(2).labels is None


@pytest.mark.parametrize("count", [0, -1, 7])
def test_more_than_there_are_or_none_at_all_is_refused(count):
    with pytest.raises(BookError, match=f"some holds 6 images, so {count} cannot be taken"):
        some().first(count)


# --- pixels --------------------------------------------------------------------------------------


def test_every_byte_survives_the_way_to_floats_and_back():
    every = torch.arange(256, dtype=torch.uint8)
    floats = to_float(every)
    assert (floats[0], floats[255]) == (-1, 1) and floats.dtype == torch.float32
    assert torch.equal(to_uint8(floats), every)
    assert (floats.diff() - 2 / 255).abs().max() < 1e-6


def test_bytes_are_the_nearest_and_values_outside_are_clamped():
    values = torch.tensor([-1.5, -1.0, -0.9970, 0.0, 0.001, 1.0, 1.004, 9.0])
    assert to_uint8(values).tolist() == [0, 0, 0, 128, 128, 255, 255, 255]


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(2, 1, 4, 4),
        torch.zeros(2, 4, 4, dtype=torch.uint8),
        torch.zeros(0, 1, 4, 4, dtype=torch.uint8),
    ],
)
def test_only_bytes_in_four_dimensions_make_a_set(images):
    with pytest.raises(BookError, match="uint8 pixels of shape"):
        make_set(images)


def test_labels_must_be_as_many_as_images():
    with pytest.raises(BookError, match="2 images need as many labels"):
        make_set(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(3))


def test_a_folder_without_a_manifest_is_no_set(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BookError, match="is not a packed image set"):
            read_set(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m | {"shape": [7, 3, 4, 4]}, "promises uint8"),
        (lambda m: m | {"shape": [6, 3, 16]}, "promises uint8"),
        (lambda m: {k: v for k, v in m.items() if k != "shape"}, "damaged"),
        (lambda m: m | {"shape": None}, "damaged"),
        (lambda m: {k: v for k, v in m.items() if k != "name"}, "damaged"),
        (lambda m: [m], "damaged"),
    ],
)
def test_a_manifest_that_does_not_fit_is_one_sentence(tmp_path, change, message):
    write_set(tmp_path, some())
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(change(manifest)))
    with pytest.raises(BookError, match=message):
        read_set(tmp_path)


def test_a_manifest_that_is_no_json_is_one_sentence(tmp_path):
    write_set(tmp_path, some())
    (tmp_path / "manifest.json").write_text('{"name": ')
    with pytest.raises(BookError, match="cannot be read as JSON"):
        read_set(tmp_path)


@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((6, 3, 4, 4), dtype=np.float32),
        np.zeros((5, 3, 4, 4), dtype=np.uint8),
        np.zeros((5,), dtype=np.uint8),
        np.zeros((6, 2), dtype=np.uint8),
        np.array([{}, {}, {}, {}, {}, {}]),
    ],
)
def test_arrays_of_another_kind_are_one_sentence(tmp_path, name, array):
    """The last is a pickle, which may run anything when it is read."""
    write_set(tmp_path, some())
    np.save(tmp_path / name, array)
    with pytest.raises(BookError, match="damaged|promises|one uint8 or uint16 label"):
        read_set(tmp_path)


def test_a_pixel_that_changed_is_found_by_the_checksum(tmp_path):
    write_set(tmp_path, some())
    content = bytearray((tmp_path / "images.npy").read_bytes())
    content[-1] ^= 1
    (tmp_path / "images.npy").write_bytes(content)
    assert len(read_set(tmp_path)) == 6  # not looked for unless asked
    with pytest.raises(BookError, match="do not match their checksum"):
        read_set(tmp_path, verify=True)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_anywhere_is_one_sentence(tmp_path, compressed):
    write_set(tmp_path, some(2), compressed=compressed)
    for name in bytes_in(tmp_path):
        whole = (tmp_path / name).read_bytes()
        for length in {0, 1, 5, len(whole) // 3, len(whole) // 2, len(whole) - 2}:
            (tmp_path / name).write_bytes(whole[:length])
            with pytest.raises(BookError, match=str(tmp_path)):
                read_set(tmp_path)
        (tmp_path / name).write_bytes(whole)
    read_set(tmp_path, verify=True)


@pytest.mark.parametrize("compressed", [False, True])
@settings(
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(1, 255))
def test_a_flipped_byte_is_found_or_harmless(tmp_path, compressed, place, value):
    """With verify, a set is read right or not at all, whichever byte of its pixels changed."""
    written = some(2, labels=False)
    write_set(tmp_path, written, compressed=compressed)
    path = tmp_path / ("images.npz" if compressed else "images.npy")
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= value
    path.write_bytes(content)
    try:
        read = read_set(tmp_path, verify=True)
    except BookError:
        return
    assert torch.equal(read.images, written.images)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_full_disk_leaves_no_set_and_no_half_written_file(tmp_path, compressed):
    large = some(40, side=16)
    with full_disk(free=4_096), pytest.raises(BookError, match="could not write"):
        write_set(tmp_path, large, compressed=compressed)
    assert list(tmp_path.iterdir()) == []


# --- the offline digits --------------------------------------------------------------------------


def test_the_offline_digits_are_five_thousand_five_hundred_of_each():
    offline = digits()
    assert offline.images.shape == (5_000, 1, 28, 28)
    assert torch.bincount(offline.labels).tolist() == [500] * 10
    assert "CC BY-SA" in offline.manifest["licence"] and "MNIST" in offline.manifest["licence"]


def test_the_offline_digits_are_undamaged():
    from lsgan_lib.data import ASSETS

    read_set(ASSETS / "data" / "mnist_5000", verify=True)


@pytest.mark.parametrize("count", [10, 200, 1_000])
def test_any_first_part_of_the_offline_digits_is_balanced(count):
    assert torch.bincount(digits().first(count).labels).tolist() == [count // 10] * 10


def test_the_offline_digits_are_mnist():
    """Mean 0.1307 and deviation 0.3081 of its pixels are known; no two of the digits are equal."""
    pixels = digits().images.float() / 255
    assert pixels.mean().item() == pytest.approx(0.1307, abs=0.003)
    assert pixels.std().item() == pytest.approx(0.3081, abs=0.004)
    assert len(digits().images.flatten(1).unique(dim=0)) == 5_000
