"""The search for the noise of a reader's picture: reading the file, and a thread that can stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor, nn

from lsgan_lib.data.image_set import to_float
from lsgan_lib.errors import BookError, first_line
from lsgan_lib.latent import Noise, images_of, invert


def read_picture(content: bytes, name: str, shape: tuple[int, int, int]) -> Tensor:
    """A picture file as the generator would make it: float (C, H, W) in [-1, 1].

    The largest part in the middle that has the right shape is cut out and scaled. Raises BookError,
    naming the file, where it is no picture or is damaged.
    """
    from data_prep.pictures import Dropped, decode, pixels

    channels, height, width = shape
    try:
        picture = decode(content, channels=channels)
    except Dropped as problem:
        raise BookError(f"{name} cannot be used: {problem}. Choose a PNG or JPEG file.") from None
    scale = min(picture.width / width, picture.height / height)
    left, upper = (picture.width - scale * width) / 2, (picture.height - scale * height) / 2
    box = (left, upper, left + scale * width, upper + scale * height)
    small = picture.resize((width, height), Image.Resampling.BICUBIC, box=box)
    return to_float(torch.from_numpy(pixels(small).copy()))


@dataclass(frozen=True)
class News:
    """How far a search is."""

    step: int
    steps: int
    z: Tensor
    """the best noise so far, (z_dim,)"""
    image: Tensor
    """its picture, (C, H, W)"""
    error: float
    """root mean squared difference to the target"""
    over: bool = False
    trouble: str = ""
    """a sentence, where the search failed"""


class Search:
    """`lsgan_lib.latent.invert` for one picture, in a thread of its own.

    told: called in that thread with the first news, then about ten times a second, then once more
    with over=True. A search that was stopped ends within one step and tells its best place.
    """

    def __init__(
        self,
        generator: nn.Module,
        target: Tensor,
        z_dim: int,
        kind: Noise,
        told: Callable[[News], None],
        *,
        steps: int = 200,
        starts: int = 4,
        seed: int = 0,
        every: float = 0.1,
    ) -> None:
        """target: (C, H, W) in [-1, 1]. every: seconds between two news."""
        self.generator, self.target, self.z_dim, self.kind = generator, target, z_dim, kind
        self.told, self.steps, self.starts, self.seed = told, steps, starts, seed
        self.every = every
        self._stopped = threading.Event()
        # A daemon: a kernel that is shut down does not wait for it.
        self._thread = threading.Thread(target=self._run, name="search for noise", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; it does so after the step that it is at."""
        self._stopped.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended."""
        self._thread.join(timeout)

    @property
    def running(self) -> bool:
        """Whether the thread is at work."""
        return self._thread.is_alive()

    def _run(self) -> None:
        last_told = -float("inf")
        at = 0

        def news(step: int, z: Tensor, error: Tensor, over: bool = False) -> News:
            picture = images_of(self.generator, z)[0]
            return News(step, self.steps, z[0].cpu(), picture, float(error[0]), over)

        def watch(step: int, z: Tensor, error: Tensor) -> bool:
            nonlocal last_told, at
            at = step
            if time.monotonic() - last_told >= self.every:
                self.told(news(step, z, error))
                last_told = time.monotonic()
            return self._stopped.is_set()

        device = next(self.generator.parameters()).device
        try:
            z, error = invert(
                self.generator,
                self.target[None].to(device),
                self.z_dim,
                kind=self.kind,
                steps=self.steps,
                starts=self.starts,
                random=torch.Generator(device).manual_seed(self.seed),
                watch=watch,
            )
            last = news(at, z, error, over=True)
        except Exception as error:  # whatever the reader's own generator may raise
            nothing = torch.zeros(self.z_dim)
            trouble = f"the search failed: {first_line(error, 200)}"
            last = News(at, self.steps, nothing, self.target, float("nan"), True, trouble)
        self.told(last)
