"""Batches: every image once an epoch, and nothing but seed and position decides which comes."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lsgan_lib.data import Batches, ring
from lsgan_lib.data.batches import PointBatches, mix

fast = settings(deadline=None, derandomize=True, max_examples=60)


def numbered(count: int) -> torch.Tensor:
    """Images of one row; the first pixel is the image's number, so that it is known again."""
    images = torch.zeros(count, 1, 1, 2, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(count)
    return images


def numbers(batch: torch.Tensor) -> list[int]:
    return ((batch[:, 0, 0].amax(dim=-1) + 1) * 127.5).round().int().tolist()


@fast
@given(
    count=st.integers(1, 40), size=st.integers(1, 50), seed=st.integers(0, 99), flip=st.booleans()
)
def test_every_image_comes_exactly_once_an_epoch(count, size, seed, flip):
    """Whatever the batch size: larger than the set, or ending within an epoch."""
    batches = Batches(numbered(count), size, seed=seed, flip=flip)
    drawn: list[int] = []
    while len(drawn) < 3 * count:
        batch = numbers(batches.at(len(drawn)))
        assert len(batch) == size
        drawn += batch
    for epoch in range(3):
        assert sorted(drawn[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_epochs_have_orders_of_their_own():
    batches = Batches(numbered(100), 100, seed=0)
    orders = [numbers(batches.at(100 * epoch)) for epoch in range(4)]
    orders.append(numbers(Batches(numbered(100), 100, seed=1).at(0)))
    assert len(set(map(tuple, orders))) == 5
    assert list(range(100)) not in orders


@fast
@given(position=st.integers(0, 10**7), seed=st.integers(0, 99))
def test_a_batch_depends_on_seed_and_position_alone(position, seed):
    """Whatever was asked for before, in whatever order, and whatever the global state is."""
    images = torch.arange(2 * 37, dtype=torch.uint8).reshape(37, 1, 1, 2)
    fresh = Batches(images, 8, seed=seed, flip=True)
    used = Batches(images, 8, seed=seed, flip=True)
    for other in (position + 1_000, 0, position + 8):
        used.at(other)
    torch.manual_seed(position)
    before = torch.get_rng_state()
    assert torch.equal(fresh.at(position), used.at(position))
    assert torch.equal(before, torch.get_rng_state())


def test_one_stream_of_images_whatever_the_batch_size():
    """The order is the epoch's, not the batch's: batch size moves no axis."""
    small, large = (Batches(numbered(50), size, seed=4) for size in (5, 20))
    one = [n for k in range(0, 200, 5) for n in numbers(small.at(k))]
    other = [n for k in range(0, 200, 20) for n in numbers(large.at(k))]
    assert one == other


def test_pixels_go_from_bytes_to_minus_one_and_one():
    images = torch.tensor([0, 255, 51], dtype=torch.uint8).reshape(1, 1, 1, 3)
    batch = Batches(images, 1, seed=0).at(0)
    assert batch.dtype == torch.float32
    assert batch.flatten().tolist() == pytest.approx([-1, 1, -0.6], abs=1e-6)


def test_half_of_the_images_are_mirrored_and_no_image_always():
    count, epochs = 50, 80
    images = torch.zeros(count, 1, 1, 2, dtype=torch.uint8)
    images[:, 0, 0, 1] = 255  # the bright pixel stands to the right until it is mirrored
    batches = Batches(images, count, seed=0, flip=True)
    mirrored = torch.stack(
        [batches.at(count * epoch)[:, 0, 0, 0] > 0 for epoch in range(epochs)]
    ).float()
    error = 0.5 / math.sqrt(count * epochs)
    assert mirrored.mean().item() == pytest.approx(0.5, abs=5 * error)
    assert 0 < mirrored.mean(dim=1).min() and mirrored.mean(dim=1).max() < 1  # within each batch
    plain = Batches(images, count, seed=0)
    assert not (plain.at(0)[:, 0, 0, 0] > 0).any()


def test_mirroring_turns_columns_and_keeps_rows_and_channels():
    images = torch.arange(12, dtype=torch.uint8).reshape(1, 3, 2, 2)
    batches = Batches(images, 1, seed=0, flip=True)
    plain = Batches(images, 1, seed=0).at(0)
    seen = {tuple(batches.at(k).flatten().tolist()) for k in range(40)}
    mirrored = plain[..., [1, 0]]
    assert seen == {tuple(x.flatten().tolist()) for x in (plain, mirrored)}


def test_the_set_itself_is_never_written_to():
    images = numbered(10)
    batch = Batches(images, 10, seed=0).at(0)
    batch.fill_(7)
    assert torch.equal(images, numbered(10))


def test_an_epoch_is_the_set():
    assert Batches(numbered(10), 3, seed=0).epoch == 10


# --- points --------------------------------------------------------------------------------------


def test_points_are_fresh_at_every_position_and_the_same_at_the_same():
    first, again = (PointBatches(ring(), 16, seed=1) for _ in range(2))
    assert first.at(0).shape == (16, 2)
    again.at(160)
    assert torch.equal(first.at(16), again.at(16))
    assert not torch.equal(first.at(0), first.at(16))
    assert not torch.equal(first.at(0), PointBatches(ring(), 16, seed=2).at(0))


def test_points_come_from_the_mixture():
    points = PointBatches(ring(), 2_000, seed=0).at(0)
    distance, mode = torch.cdist(points, ring().centres).min(dim=1)
    assert distance.max() < 0.06 and len(mode.unique()) == 8


# --- seeds ---------------------------------------------------------------------------------------


def test_mixed_seeds_are_valid_distinct_and_spread():
    """Neighbouring runs, streams and steps get seeds that share no pattern."""
    seeds = [
        mix(run, stream, step) for run in range(10) for stream in range(5) for step in range(99)
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    for bit in (0, 1, 30, 61, 62):
        share = sum(seed >> bit & 1 for seed in seeds) / len(seeds)
        assert share == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(len(seeds)))
    assert mix(-1, 0, 0) != mix(1, 0, 0)  # a negative seed is a seed too
