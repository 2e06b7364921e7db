"""A whole training step as one CUDA graph.

A step of these small networks is some five hundred kernels, and a GPU finishes most of them faster
than Python can ask for the next. A graph is asked for once: both networks forward and backward, the
penalty's second derivative and both optimisers.

A graph repeats the same kernels on the same addresses. So whatever changes from step to step lies
in buffers that are filled before: the real images here, the random numbers in `lsgan_lib.draws`.
Numbers in kernels' arguments cannot change at all. A new learning rate asks for a new graph, and
the average, whose share grows with the run, stays outside.

`python -m lsgan_lib.benchmarks.gpu_session` compares it with the same steps without a graph: on an
H200 with torch 2.11 all states were equal, bit for bit, after 200 steps in every precision.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lsgan_lib.training.tally import Step

Play = Callable[[Sequence[Tensor]], Step]

_WARM_UP = 3
"""Steps without a graph before its capture, in which libraries choose and allocate."""


class GraphedStep:
    """`play`, captured after a few ordinary steps and then replayed."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._steps = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, reals: Sequence[Tensor]) -> Step:
        """One step on these real images; the result is overwritten by the next."""
        if self._graph is None and self._steps < _WARM_UP:
            self._steps += 1
            return self._beside(reals)
        if self._graph is None:
            self._capture(reals)
        assert self._graph is not None
        torch._foreach_copy_(self._reals, list(reals))
        self._graph.replay()
        return self._step

    def _beside(self, reals: Sequence[Tensor]) -> Step:
        """An ordinary step on a stream of its own, as a capture wants it to come before."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            step = self._play(reals)
        torch.cuda.current_stream().wait_stream(stream)
        return step

    def _capture(self, reals: Sequence[Tensor]) -> None:
        """Record the step; nothing is computed yet."""
        self._reals = [real.clone() for real in reals]
        self._graph = torch.cuda.CUDAGraph()
        # Another thread may be loading images meanwhile: only this one is recorded.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._step = self._play(self._reals)
