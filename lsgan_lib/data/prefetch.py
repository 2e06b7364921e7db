"""Batches of a set that does not fit on the GPU: read ahead while the step computes.

The pixels stay in their memory-mapped file. One thread gathers the batches that come next into host
memory, which is where the time goes: the disk is waited for there. Sending one up is short beside
a step (a batch of 64 colour images at 64 x 64 is 0.8 MB), so it stays in the step's own queue.

The thread never calls CUDA. It could otherwise break the capture of a CUDA graph, which watches all
threads. Everything that was said of a GPU in ``batches`` holds here: pinned memory was never run.
"""

from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from lsgan_lib.data.batches import Batches, Order, Shard, Stream, as_batch, upload
from lsgan_lib.errors import BookError, first_line

AHEAD = 3
"""Batches that are gathered before they are asked for; three bridge a disk that falters."""


class StreamedBatches:
    """The same stream as `Batches`, bit for bit, from pixels that stay where they are.

    images: uint8 (N, C, H, W) on the host. Reading ahead is a guess, that the batch after this one
    comes next; a wrong guess (a resumed run, one rolled back) costs the time of one batch. The
    thread ends with `close` or when the stream is dropped.
    """

    def __init__(
        self,
        images: Tensor,
        batch_size: int,
        *,
        seed: int,
        flip: bool = False,
        device: torch.device | str = "cpu",
        shard: Shard = (0, 1),
    ) -> None:
        self.images = images
        self.device = torch.device(device)
        self.order = Order(len(images), batch_size, seed=seed, flip=flip, shard=shard)
        self._ahead: dict[int, Future[Tensor]] = {}  # pixels of the batch at each position
        self._reader: ThreadPoolExecutor | None = None

    @property
    def epoch(self) -> int:
        """Images in the set."""
        return len(self.images)

    def at(self, shown: int) -> Tensor:
        """The batch that follows after `shown` images: float32 (b, C, H, W) in [-1, 1].

        Raises BookError where its images could not be read. (A memory-mapped file that was cut
        short is no error that Python sees: the system ends the process, by SIGBUS.)
        """
        wanted = [shown + k * self.order.batch_size for k in range(AHEAD + 1)]
        for position in self._ahead.keys() - set(wanted):
            self._ahead.pop(position).cancel()
        for position in wanted:
            if position not in self._ahead:
                self._ahead[position] = self._ask(position)
        try:
            pixels = self._ahead.pop(shown).result()
        except Exception as error:  # whatever went wrong in the thread
            raise BookError(
                f"the images that follow after {shown:,} could not be read ({first_line(error)}). "
                "See to the disk that holds the set, then resume the run."
            ) from error
        return as_batch(upload(pixels, self.device), self.order.mirrored(shown))

    def close(self) -> None:
        """End the thread; what it has still to read is not read. The next `at` starts another."""
        if self._reader is not None:
            self._reader.shutdown(cancel_futures=True)
        self._reader = None
        self._ahead.clear()

    def _ask(self, shown: int) -> "Future[Tensor]":
        """Have a batch's pixels gathered, into memory that is allocated here: pinning is CUDA."""
        if self._reader is None:
            # One thread: what is asked for first is read first, and it alone asks for the order.
            self._reader = ThreadPoolExecutor(1, thread_name_prefix="lsgan-reader")
        rows = self.order.rows.stop - self.order.rows.start
        buffer = torch.empty(
            (rows, *self.images.shape[1:]),
            dtype=torch.uint8,
            pin_memory=self.device.type == "cuda",
        )
        return self._reader.submit(self._gather, shown, buffer)

    def _gather(self, shown: int, buffer: Tensor) -> Tensor:
        return torch.index_select(self.images, 0, self.order.images(shown), out=buffer)


def choose(
    images: Tensor,
    batch_size: int,
    *,
    seed: int,
    flip: bool = False,
    device: torch.device | str = "cpu",
    shard: Shard = (0, 1),
) -> Stream:
    """Batches of these images: resident where they take less than half of the device's free memory.

    The other half is for networks, optimisers and activations. Streamed batches are the same.
    """
    free = free_memory(torch.device(device))
    fits = free is None or images.nbytes < free / 2
    kind = Batches if fits else StreamedBatches
    return kind(images, batch_size, seed=seed, flip=flip, device=device, shard=shard)


def free_memory(device: torch.device) -> int | None:
    """Bytes that are free on a GPU; None where pixels are used where they lie, on the host."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None
