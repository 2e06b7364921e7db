"""Batches: every image once an epoch, and nothing but seed and position decides which comes."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from lsgan_lib.data import Batches, ring
from lsgan_lib.data.batches import PointBatches, mix
from lsgan_lib.errors import BookError

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


@fast
@given(count=st.integers(1, 30), size=st.integers(1, 40), position=st.integers(0, 200))
def test_the_stream_is_the_shuffled_epochs_one_after_the_other(count, size, position):
    """Which shuffles these are stays as it is for ever: old runs go on with the images they had."""
    epochs = [
        torch.randperm(count, generator=torch.Generator().manual_seed(mix(7, 0, epoch)))
        for epoch in range((position + size) // count + 1)
    ]
    images = torch.arange(2 * count, dtype=torch.uint8).reshape(count, 1, 1, 2)
    expected = images[torch.cat(epochs)[position : position + size]].float() / 127.5 - 1
    coin = torch.rand(size, generator=torch.Generator().manual_seed(mix(7, 1, position)))
    for image, side in zip(expected, coin, strict=True):
        if side < 0.5:
            image[:] = image.flip(-1)
    assert torch.equal(Batches(images, size, seed=7, flip=True).at(position), expected)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("flip", [False, True])
def test_batches_lie_in_memory_as_convolutions_want_them(channels, flip):
    """Also with one channel, where only the strides tell a convolution which layout it is."""
    images = torch.zeros(9, channels, 6, 4, dtype=torch.uint8)
    batch = Batches(images, 5, seed=0, flip=flip).at(0)
    assert batch.stride() == (24 * channels, 1, 4 * channels, channels)


# --- many processes ------------------------------------------------------------------------------


@fast
@given(
    count=st.integers(1, 40), each=st.integers(1, 12), size=st.integers(1, 5),
    position=st.integers(0, 10**6), flip=st.booleans(),
)  # fmt: skip
def test_the_parts_of_all_processes_are_the_batch_of_one(count, each, size, position, flip):
    images = torch.arange(2 * count, dtype=torch.uint8).reshape(count, 1, 1, 2)
    whole = Batches(images, each * size, seed=5, flip=flip).at(position)
    parts = [
        Batches(images, each * size, seed=5, flip=flip, shard=(rank, size)).at(position)
        for rank in range(size)
    ]
    assert {len(part) for part in parts} == {each}
    assert torch.equal(torch.cat(parts), whole)


def test_a_batch_that_cannot_be_shared_equally_is_refused():
    sentence = "a batch of 10 cannot be shared equally by 4 processes.*multiple of 4"
    with pytest.raises(BookError, match=sentence):
        Batches(numbered(20), 10, seed=0, shard=(0, 4))
    with pytest.raises(BookError, match=sentence):
        PointBatches(ring(), 10, seed=0, shard=(0, 4))


# --- on a device ---------------------------------------------------------------------------------


class Uploads(TorchDispatchMode):
    """Notes what is sent from the CPU to another device."""

    def __init__(self):
        super().__init__()
        self.kinds = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function is torch.ops.aten._to_copy.default and args[0].device != result.device:
            self.kinds.append((args[0].dtype, tuple(result.shape)))
        return result


def test_nothing_is_read_from_the_device_and_the_order_goes_up_once_an_epoch():
    """PyTorch's meta device knows shapes but holds no values: whoever needs one fails there."""
    images = torch.zeros(10, 3, 4, 4, dtype=torch.uint8)
    with Uploads() as uploads:
        batches = Batches(images, 4, seed=0, flip=True, device="meta")
        for shown in range(0, 20, 4):  # two epochs in five steps; the third step sees both
            assert batches.at(shown).shape == (4, 3, 4, 4)
    pixels = [(torch.uint8, (10, 3, 4, 4))]
    orders, flips = [(torch.int64, (10,))] * 2, [(torch.bool, (4,))] * 5
    assert sorted(uploads.kinds, key=str) == sorted(pixels + orders + flips, key=str)
    with pytest.raises(RuntimeError, match="meta"):  # such a failure
        batches.at(0).sum().item()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_host_never_waits_and_the_batches_are_the_same():
    images = torch.randint(0, 256, (10, 3, 4, 4), dtype=torch.uint8)
    here = Batches(images, 4, seed=0, flip=True)
    there = Batches(images, 4, seed=0, flip=True, device="cuda")
    points = PointBatches(ring(), 4, seed=0, device="cuda")
    try:
        torch.cuda.set_sync_debug_mode("error")
        drawn = [(there.at(shown), points.at(shown)) for shown in range(0, 40, 4)]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for k, (batch, point) in enumerate(drawn):
        # A GPU multiplies by 1 / 127.5 where the CPU divides by 127.5: one rounding apart.
        torch.testing.assert_close(batch.cpu(), here.at(4 * k), rtol=0, atol=2e-7)
        assert torch.equal(point.cpu(), PointBatches(ring(), 4, seed=0).at(4 * k))


# --- points --------------------------------------------------------------------------------------


def test_points_are_fresh_at_every_position_and_the_same_at_the_same():
    first, again = (PointBatches(ring(), 16, seed=1) for _ in range(2))
    assert first.at(0).shape == (16, 2)
    again.at(160)
    assert torch.equal(first.at(16), again.at(16))
    assert not torch.equal(first.at(0), first.at(16))
    assert not torch.equal(first.at(0), PointBatches(ring(), 16, seed=2).at(0))


def test_the_points_of_all_processes_are_those_of_one():
    whole = PointBatches(ring(), 12, seed=3).at(24)
    parts = [PointBatches(ring(), 12, seed=3, shard=(rank, 3)).at(24) for rank in range(3)]
    assert torch.equal(torch.cat(parts), whole)


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
