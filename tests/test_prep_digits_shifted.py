"""Digits that are only shifted and rotated: how far they move, and that nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest

from data_prep.digits_shifted import DigitsShifted, drawn, medoid, moved, room
from data_prep.pack import pack
from lsgan_lib.data import digits, read_set
from lsgan_lib.errors import BookError

BOOK = digits().images[:, 0].numpy()
LABELS = digits().labels.numpy()
FIVE = BOOK[5]


def pictures(source: DigitsShifted) -> tuple[np.ndarray, np.ndarray]:
    job = source.job()
    made = [job.make(item).pixels for item in job.items]
    assert {picture.shape for picture in made} == {(1, 28, 28)}
    return np.concatenate(made), np.array([item.label for item in job.items])


@pytest.fixture(scope="module")
def shifted():
    return pictures(DigitsShifted(count=40, shift=3))


@pytest.fixture(scope="module")
def rotated():
    return pictures(DigitsShifted(count=40, shift=3, rotate=10))


def centre(picture: np.ndarray) -> tuple[float, float]:
    """Row and column of the ink's centre of mass."""
    mass = picture.astype(float) / picture.sum()
    rows, columns = np.indices(picture.shape)
    return float((mass * rows).sum()), float((mass * columns).sum())


# --- moving one picture ---------------------------------------------------------------------------


def test_without_shift_and_angle_a_picture_stays_as_it_is():
    assert np.array_equal(moved(FIVE, 0, 0), FIVE)


@pytest.mark.parametrize("columns", [-3, -1, 2])
def test_a_shift_by_whole_pixels_moves_the_bytes_to_the_right(columns):
    assert np.array_equal(moved(FIVE, columns, 0), np.roll(FIVE, columns, axis=1))


def test_a_shift_by_a_fraction_mixes_neighbours_in_that_proportion():
    dot = np.zeros((28, 28), np.uint8)
    dot[7, 9] = 200
    row = moved(dot, 1.25, 0)[7]
    assert row[10] == 150 and row[11] == 50 and row.sum() == 200


def test_a_positive_angle_turns_anticlockwise_about_the_middle_of_the_frame():
    assert np.array_equal(moved(FIVE, 0, 90), np.rot90(FIVE))
    square = np.zeros((28, 28), np.uint8)
    square[13:15, 13:15] = 240
    assert centre(moved(square, 0, 33)) == pytest.approx((13.5, 13.5), abs=1e-6)


def test_shift_follows_rotation():
    """The digit turns on the spot and then moves along the rows: its row does not depend on it."""
    turned = moved(FIVE, 0, 10)
    assert np.array_equal(moved(FIVE, 2, 10), np.roll(turned, 2, axis=1))


# --- the set --------------------------------------------------------------------------------------


def test_the_mean_column_moves_by_the_drawn_shift_and_the_mean_row_stays(shifted):
    source = DigitsShifted(count=40, shift=3)
    still, _ = pictures(replace(source, count=1, shift=0))
    draws = []
    for place, picture in enumerate(shifted[0]):
        digit = place % 10
        columns, degrees = drawn(source, digit, place // 10)
        row, column = centre(still[digit])
        assert centre(picture) == pytest.approx((row, column + columns), abs=0.02)
        assert degrees == 0
        draws.append(columns)
    assert -3 <= min(draws) < -2.8 and 2.8 < max(draws) <= 3
    assert abs(np.mean(draws)) < 3 * 3 / np.sqrt(3 * len(draws))  # three standard errors


def test_ink_is_neither_lost_nor_made(shifted, rotated):
    still, _ = pictures(DigitsShifted(count=1, shift=0))
    ink = np.tile(still.sum((1, 2), dtype=float), 40)
    assert shifted[0].sum((1, 2)) == pytest.approx(ink, rel=1e-3)
    assert rotated[0].sum((1, 2)) == pytest.approx(ink, rel=3e-3)


def test_angles_are_spread_over_the_whole_range_and_shifts_do_not_depend_on_them(rotated):
    source = DigitsShifted(count=40, shift=3, rotate=10)
    draws = [drawn(source, digit, i) for i in range(40) for digit in range(10)]
    angles = np.array([degrees for _, degrees in draws])
    assert 0 <= angles.min() < 0.2 and 9.8 < angles.max() <= 10 and 4.5 < angles.mean() < 5.5
    straight = replace(source, rotate=0.0)
    assert [columns for columns, _ in draws] == [
        drawn(straight, digit, i)[0] for i in range(40) for digit in range(10)
    ]


def spread(images: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean variance within a class, and how many directions hold 95 % of it in each class."""
    variances, directions = [], []
    for digit in range(10):
        part = images[labels == digit].reshape(-1, 784).astype(float)
        values = np.linalg.svd(part - part.mean(axis=0), compute_uv=False) ** 2
        variances.append(values.sum() / len(part))
        directions.append((values.cumsum() < 0.95 * values.sum()).sum() + 1)
    return float(np.mean(variances)), np.array(directions)


def test_each_class_varies_far_less_than_the_class_does_in_mnist():
    variance, directions = spread(BOOK, LABELS)
    small, few = spread(*pictures(DigitsShifted(count=40)))
    assert small < 0.45 * variance and few.max() <= 3 and directions.min() > 50
    _, more = spread(*pictures(DigitsShifted(count=40, rotate=10)))
    assert (more > few).all() and more.max() <= 6
    smaller, _ = spread(*pictures(DigitsShifted(count=40, shift=1)))
    assert smaller < 0.2 * variance


def test_labels_come_in_turn(shifted):
    assert shifted[1].tolist() == list(range(10)) * 40
    assert DigitsShifted().job().classes == [str(digit) for digit in range(10)]
    assert len(DigitsShifted().job().items) == 10_000


def test_the_ten_digits_are_digits_of_the_book_with_their_labels():
    still, labels = pictures(DigitsShifted(count=1, shift=0))
    for picture, label in zip(still, labels, strict=True):
        same = np.flatnonzero((picture == BOOK).all((1, 2)))
        assert LABELS[same].tolist() == [label]


def test_the_medoid_is_the_picture_nearest_to_all_others():
    points = np.array([[0, 0], [9, 9], [10, 10], [11, 11], [200, 200]], np.uint8)
    assert medoid(points) == 2
    some = BOOK[LABELS == 3][:60].reshape(60, -1).astype(float)
    distances = np.linalg.norm(some[:, None] - some[None], axis=2)
    assert medoid(BOOK[LABELS == 3][:60]) == distances.mean(1).argmin()


def test_a_picture_depends_on_seed_class_and_index_alone(shifted):
    again, _ = pictures(DigitsShifted(count=40, shift=3))
    fewer, _ = pictures(DigitsShifted(count=7, shift=3))
    other, _ = pictures(DigitsShifted(count=40, shift=3, seed=1))
    assert np.array_equal(again, shifted[0])
    assert np.array_equal(fewer, shifted[0][:70])
    assert (other != shifted[0]).any((1, 2)).all()
    assert len(np.unique(shifted[0].reshape(400, -1), axis=0)) == 400


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("rotate", [0, 10])
def test_the_largest_shift_keeps_all_ink_and_a_larger_one_is_refused_with_that_number(rotate):
    still, _ = pictures(DigitsShifted(count=1, shift=0))
    most = min(room(digit, rotate) for digit in still)
    assert most > 4  # the default is well within
    DigitsShifted(shift=most, rotate=rotate).job()
    for digit in still:
        for columns in (-most, most):
            for degrees in np.linspace(0, rotate, 7):
                wide = np.pad(digit, 6)  # the same motion with room on every side
                outside = moved(wide, columns, degrees).astype(int)
                assert np.array_equal(outside[6:-6, 6:-6], moved(digit, columns, degrees))
                outside[6:-6, 6:-6] = 0
                assert outside.sum() == 0
    with pytest.raises(BookError, match=r"push ink out .* keeps it in is 4\.\d|in is 5\."):
        DigitsShifted(shift=most + 0.01, rotate=rotate).job()


def test_room_is_the_margin_beside_the_ink():
    bar = np.zeros((28, 28), np.uint8)
    bar[10:18, 6:20] = 255
    assert room(bar, 0) == 6
    bar[0] = 255
    assert room(bar, 0) == 0 and room(bar, 10) < 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"count": 0}, "--count must be at least 1"),
        ({"seed": -1}, "--seed at least 0"),
        ({"shift": -1.0}, "--shift must be at least 0"),
        ({"shift": float("nan")}, "--shift must be at least 0"),
        ({"rotate": -1.0}, "--rotate between 0 and 45"),
        ({"rotate": 50.0}, "--rotate between 0 and 45"),
        ({"rotate": 40.0}, "--rotate 40 would push ink out of the frame. Choose a smaller angle"),
        ({"shift": 14.0}, "--shift 14 with --rotate 0 would push ink out"),
    ],
)
def test_flags_that_make_no_sense_are_one_sentence(flags, message):
    with pytest.raises(BookError, match=message):
        DigitsShifted(**flags).job()


def test_it_becomes_a_packed_set(tmp_path):
    pack(DigitsShifted(count=3, rotate=10).job(), tmp_path / "a", progress=False)
    images = read_set(tmp_path / "a", verify=True)
    assert images.name == "digits_shifted_rotated" and len(images) == 30
    assert images.labels.tolist() == list(range(10)) * 3
    assert images.manifest["options"] == {"count": 3, "shift": 2.0, "rotate": 10, "seed": 0}
