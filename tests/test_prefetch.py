"""Batches read ahead: the same as without, whatever happens to the reader."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import closing, contextmanager

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lsgan_lib.data import Batches, make_set, prefetch, read_set, write_set
from lsgan_lib.data.prefetch import AHEAD, StreamedBatches, choose
from lsgan_lib.errors import BookError

fast = settings(deadline=None, derandomize=True, max_examples=40)


def images(count: int = 20, channels: int = 1) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, 2, 4), dtype=torch.uint8, generator=random)


def readers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if "lsgan-reader" in thread.name}


class Noted(StreamedBatches):
    """Notes what is gathered, and can be made to fail."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.gathered: list[int] = []
        self.failure: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.arrived = threading.Event()  # at the gate

    def _gather(self, shown, buffer):
        self.arrived.set()
        self.gate.wait(60)
        self.gathered.append(shown)
        if self.failure is not None:
            raise self.failure
        return super()._gather(shown, buffer)

    def rest(self) -> None:
        """Return when all that was asked for is done."""
        for future in self._ahead.values():
            future.exception(timeout=60)


@contextmanager
def held(streamed: Noted) -> Iterator[list[Future]]:
    """Hold the reader at the batch after 16, and give the two that wait for it."""
    streamed.at(0)
    streamed.rest()
    streamed.gate.clear()
    streamed.arrived.clear()
    for shown in (4, 8, 12):  # these were read ahead
        streamed.at(shown)
    try:
        assert streamed.arrived.wait(20)
        yield [streamed._ahead[shown] for shown in (20, 24)]
    finally:
        streamed.gate.set()


def cancelled(futures: list[Future]) -> None:
    """Return when these are cancelled; fail where they are not."""
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(timeout=20)


@fast
@given(
    count=st.integers(1, 30),
    steps=st.lists(st.integers(0, 40) | st.just(-1), max_size=12),
    shard=st.sampled_from([(0, 1), (0, 2), (1, 2)]),
    flip=st.booleans(),
)
def test_streamed_batches_are_the_resident_ones_in_whatever_order(count, steps, shard, flip):
    """-1 goes on as a run does; any other number jumps, as a run does that is resumed."""
    settings = {"seed": 2, "flip": flip, "shard": shard}
    resident = Batches(images(count), 6, **settings)
    position = 0
    with closing(StreamedBatches(images(count), 6, **settings)) as streamed:
        assert streamed.epoch == resident.epoch
        for step in steps:
            position = position + 6 if step == -1 else step
            batch, expected = streamed.at(position), resident.at(position)
            assert torch.equal(batch, expected) and batch.stride() == expected.stride()


def test_the_next_batches_are_read_ahead_and_each_is_read_once():
    with closing(Noted(images(), 4, seed=0)) as streamed:
        for shown in range(0, 20, 4):
            streamed.at(shown)
            streamed.rest()
            assert streamed.gathered == [4 * k for k in range(shown // 4 + 1 + AHEAD)]


def test_a_jump_drops_what_was_read_ahead_in_vain():
    with closing(Noted(images(), 4, seed=0)) as streamed:
        streamed.at(0)
        streamed.rest()
        streamed.at(1_000)
        streamed.rest()
        streamed.at(8)  # back, as after a rollback
        streamed.rest()
        ahead = range(AHEAD + 1)
        assert streamed.gathered == [start + 4 * k for start in (0, 1_000, 8) for k in ahead]


def test_a_jump_does_not_wait_for_what_is_no_longer_wanted():
    with closing(Noted(images(), 4, seed=0)) as streamed:
        jump = threading.Thread(target=streamed.at, args=(1_000,))
        with held(streamed) as waiting:
            jump.start()
            cancelled(waiting)
        jump.join(timeout=60)
        streamed.rest()
        ahead = [1_000 + 4 * k for k in range(AHEAD + 1)]
        assert streamed.gathered == [0, 4, 8, 12, 16, *ahead]


def test_a_batch_stays_as_it_is_while_others_are_read():
    """Memory of the reader is not used again under a batch that is still looked at."""
    with closing(StreamedBatches(images(), 4, seed=0)) as streamed:
        kept = [streamed.at(shown) for shown in range(0, 80, 4)]
    resident = Batches(images(), 4, seed=0)
    assert all(torch.equal(batch, resident.at(4 * k)) for k, batch in enumerate(kept))


# --- what can go wrong ---------------------------------------------------------------------------


def test_an_error_of_the_reader_is_told_where_the_batch_is_asked_for():
    with closing(Noted(images(), 4, seed=0)) as streamed:
        streamed.at(0)
        streamed.rest()
        streamed.failure = OSError(5, "Input/output error")
        for shown in range(4, 4 + 4 * AHEAD, 4):  # were read in time
            streamed.at(shown)
        sentence = r"after 16 could not be read \(.*Input/output error\).*disk.*resume the run"
        for _ in range(2):
            with pytest.raises(BookError, match=sentence):
                streamed.at(16)
        streamed.failure = None  # the disk is back
        assert torch.equal(streamed.at(16), Batches(images(), 4, seed=0).at(16))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps open files from deletion")
def test_a_set_that_is_deleted_while_it_is_used_is_used_to_the_end(tmp_path):
    write_set(tmp_path, make_set(images()))
    with closing(StreamedBatches(read_set(tmp_path).images, 4, seed=0)) as streamed:
        streamed.at(0)
        (tmp_path / "images.npy").unlink()
        assert torch.equal(streamed.at(1_000), Batches(images(), 4, seed=0).at(1_000))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows delivers Ctrl-C after the wait")
def test_ctrl_c_reaches_whoever_waits_for_a_slow_disk(interruptible):
    with closing(Noted(images(), 4, seed=0)) as streamed:
        streamed.gate.clear()

        def press():
            streamed.arrived.wait(20)
            time.sleep(0.1)  # now at() waits for the batch
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

        threading.Thread(target=press).start()
        try:
            with pytest.raises(KeyboardInterrupt):
                streamed.at(0)
        finally:
            streamed.gate.set()
        assert torch.equal(streamed.at(0), Batches(images(), 4, seed=0).at(0))


def test_a_stream_that_was_closed_can_be_used_again():
    streamed = StreamedBatches(images(), 4, seed=0)
    streamed.close()
    for shown in (0, 4):
        assert torch.equal(streamed.at(shown), Batches(images(), 4, seed=0).at(shown))
        streamed.close()
        streamed.close()


@pytest.mark.parametrize("how", ["closed", "dropped"])
def test_no_thread_is_left(how):
    before = readers()
    streamed = StreamedBatches(images(), 4, seed=0)
    streamed.at(0)
    (reader,) = readers() - before
    if how == "closed":
        streamed.close()
        assert not reader.is_alive()
    else:
        del streamed
        reader.join(timeout=60)
        assert not reader.is_alive()


def test_closing_does_not_read_what_nobody_will_use():
    streamed = Noted(images(), 4, seed=0)
    end = threading.Thread(target=streamed.close)
    with held(streamed) as waiting:
        end.start()
        cancelled(waiting)
    end.join(timeout=60)
    assert not end.is_alive()
    assert streamed.gathered == [0, 4, 8, 12, 16]


# --- which stream --------------------------------------------------------------------------------


def test_pixels_that_take_less_than_half_of_what_is_free_go_to_the_device(monkeypatch):
    """The meta device stands for the GPU: it can be sent to, and holds nothing."""
    pixels = images(10)  # 80 bytes
    for free, kind in ((161, Batches), (160, StreamedBatches), (0, StreamedBatches)):
        monkeypatch.setattr(prefetch, "free_memory", lambda device, free=free: free)
        stream = choose(pixels, 2, seed=0, device="meta")
        assert type(stream) is kind
        assert stream.images.is_meta == (kind is Batches)


def test_on_the_cpu_pixels_are_used_where_they_lie():
    pixels = images()
    stream = choose(pixels, 24, seed=1, flip=True, shard=(1, 2))
    assert type(stream) is Batches and stream.images.data_ptr() == pixels.data_ptr()
    expected = Batches(pixels, 24, seed=1, flip=True).at(12)[12:]
    assert torch.equal(stream.at(12), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_host_never_waits_and_streamed_batches_are_the_resident_ones():
    pixels = images(50, channels=3)
    resident = Batches(pixels, 8, seed=0, flip=True, device="cuda")
    expected = [resident.at(shown) for shown in range(0, 400, 8)]
    with closing(StreamedBatches(pixels, 8, seed=0, flip=True, device="cuda")) as streamed:
        try:
            torch.cuda.set_sync_debug_mode("error")
            drawn = [streamed.at(shown) for shown in range(0, 400, 8)]
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert all(map(torch.equal, drawn, expected))
