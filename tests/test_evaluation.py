"""Neighbours, votes and specks, on pictures small enough to see the answer."""

import pytest
import torch

from lsgan_lib.data import digits, to_float
from lsgan_lib.evaluation.neighbours import agreement, nearest, nearest_of_many
from lsgan_lib.evaluation.specks import specks


def pixels(*values: float) -> torch.Tensor:
    """Images of one pixel each."""
    return torch.tensor(values).reshape(-1, 1, 1, 1)


# --- nearest -------------------------------------------------------------------------------------


def test_nearest_of_single_pixels():
    distance, index = nearest(pixels(0.0, 0.9, -2.0), pixels(1.0, -1.0, 0.25))
    assert index.tolist() == [2, 0, 1]
    assert distance.tolist() == pytest.approx([0.25, 0.1, 1.0], abs=1e-6)


def test_distance_is_a_mean_so_that_larger_pictures_are_not_farther():
    for side in (2, 8):
        black, grey = torch.zeros(1, 3, side, side), torch.full((1, 3, side, side), 0.5)
        assert nearest(black, grey)[0].item() == pytest.approx(0.5)
    half = torch.zeros(1, 1, 2, 2)
    half[0, 0, 0] = 0.5  # two of four pixels differ by 1/2: sqrt(2/4) / 2
    assert nearest(torch.zeros(1, 1, 2, 2), half)[0].item() == pytest.approx(0.5**1.5)


def test_a_copy_is_at_distance_nought_even_among_hundreds():
    """Large sets are compared through products of matrices, which must not blur a copy away."""
    images = to_float(digits().first(300).images)
    distance, index = nearest(images[40:90], images)
    assert index.tolist() == list(range(40, 90))
    assert distance.max() < 2e-3  # half a grey level of 255 in a range of 2 would be 4e-3


def test_chunks_change_nothing():
    random = torch.Generator().manual_seed(0)
    images, others = (torch.rand(n, 1, 3, 3, generator=random) for n in (11, 7))
    whole = nearest(images, others)
    for chunk in (1, 4, 11):
        for piece, expected in zip(nearest(images, others, chunk=chunk), whole, strict=True):
            torch.testing.assert_close(piece, expected)


@pytest.mark.parametrize("chunk", [1, 2, 1_000])
def test_a_set_against_itself_skips_each_image_but_not_its_twin(chunk):
    images = pixels(0.0, 1.0, 0.0, 3.0)
    distance, index = nearest(images, images, skip_same=True, chunk=chunk)
    assert index.tolist()[:3] == [2, 0, 0] and distance.tolist() == pytest.approx([0, 1, 0, 2])


def test_pictures_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="cannot be compared"):
        nearest(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 2, 8))


# --- nearest of many -----------------------------------------------------------------------------


def colours(count, seed):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, 4, 4), generator=random, dtype=torch.uint8)


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_many_references_piece_by_piece_are_the_same(chunk):
    images, references = to_float(colours(5, 0)), colours(11, 1)
    distance, row = nearest_of_many(images, references, chunk=chunk)
    expected, index = nearest(images, to_float(references))
    torch.testing.assert_close(distance, expected)
    assert torch.equal(row, index)


def test_a_mirrored_copy_is_found_only_where_mirrors_are_looked_at():
    references = colours(9, 2)
    copies = to_float(references[[4, 7]].flip(3))
    assert nearest_of_many(copies, references)[0].min() > 0.1
    distance, row = nearest_of_many(copies, references, mirrored=True, chunk=4)
    assert row.tolist() == [4, 7] and distance.max() < 2e-3


@pytest.mark.parametrize("chunk", [2, 100])
def test_an_image_finds_neither_itself_nor_its_own_mirror_image(chunk):
    references = colours(6, 3)
    references[5] = references[2]  # a twin is another picture
    own = torch.tensor([1, 2])
    images = to_float(references[own])
    distance, row = nearest_of_many(images, references, mirrored=True, own=own, chunk=chunk)
    assert row[0] != 1 and distance[0] > 0.1
    assert row[1] == 5 and distance[1] < 2e-3


# --- agreement -----------------------------------------------------------------------------------


def test_the_nearest_references_vote():
    references = pixels(0.0, 0.1, 0.2, 0.3, 0.4, 10, 10.1, 10.2, 10.3, 10.4)
    labels = torch.tensor([7, 7, 7, 7, 7, 3, 3, 3, 5, 5])
    label, share = agreement(pixels(0.2, 10.2), references, labels)
    assert label.tolist() == [7, 3]
    assert share.tolist() == pytest.approx([1.0, 0.6])
    label, share = agreement(pixels(10.4), references, labels, neighbours=2)
    assert (label.item(), share.item()) == (5, 1)


def test_real_digits_look_like_their_class_and_noise_does_not_agree():
    """The vote of 5 neighbours among 2,000 digits is right nine times in ten."""
    known, asked = digits().first(2_000), digits()
    images, labels = to_float(asked.images[2_000:2_300]), asked.labels[2_000:2_300]
    label, _ = agreement(images, to_float(known.images), known.labels)
    assert (label == labels).float().mean() > 0.85


# --- specks --------------------------------------------------------------------------------------


def picture(*rows: str) -> torch.Tensor:
    """'#' bright, '+' grey, '.' dark."""
    value = {"#": 1.0, "+": -0.4, ".": -1.0}
    return torch.tensor([[[[value[c] for c in row] for row in rows]]])


@pytest.mark.parametrize(
    ("image", "count"),
    [
        (picture(".....", ".....", ".....", "....."), 0),
        (picture(".....", "..#..", ".....", "....."), 1),
        (picture("#....", ".....", ".....", "....#"), 2),  # beyond the border it is dark
        (picture(".....", ".##..", ".....", "....."), 0),  # a stroke
        (picture(".....", ".#...", "..#..", "....."), 0),  # neighbours at a corner
        (picture("#.#.#", ".....", "#.#.#", "....."), 6),
        (picture(".....", ".+#..", ".....", "....."), 0),  # on the grey edge of something
        (picture(".....", "..+..", ".....", "....."), 0),  # too dim
        (picture("###..", "#.#..", "###..", "....."), 0),  # a ring is not specks
    ],
)
def test_a_speck_is_a_bright_pixel_that_stands_alone(image, count):
    assert specks(image).tolist() == [count]


def test_specks_are_counted_picture_by_picture():
    one = picture("#..", "...", "...")
    two = picture("#.#", "...", "...")
    assert specks(torch.cat([one, two, one])).tolist() == [1, 2, 1]


def test_specks_of_colour_or_without_channels_are_refused():
    for shape in ((2, 3, 4, 4), (2, 4, 4)):
        with pytest.raises(ValueError, match="grey images"):
            specks(torch.zeros(shape))
