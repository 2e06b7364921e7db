"""Random numbers from an explicit source: a torch.Generator, or the draws of one training step."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Draws:
    """Every random number of a training step, in the order in which the step asks for them.

    `begin(seed)` starts a step; after it, the same questions get the same answers. Two things set
    it apart from a torch.Generator:

    - Of several processes, each gets its rows of what one process would draw for the whole batch.
      (Dropout masks are large and need no such agreement: each process draws its own.)
    - With fixed=True the answers lie in buffers that stay where they are, and `begin` fills them
      all before the step runs. A CUDA graph reads from such addresses, so it draws nothing itself,
      and makes the numbers that the same step makes without a graph.
    """

    def __init__(
        self,
        device: torch.device | str = "cpu",
        *,
        shard: tuple[int, int] = (0, 1),
        fixed: bool = False,
    ) -> None:
        self.device = torch.device(device)
        self.rank, self.size = shard
        self.fixed = fixed
        self._common = torch.Generator(self.device)  # the same numbers in every process
        self._own = torch.Generator(self.device)  # dropout masks
        self._answers: list[tuple[str, Tensor]] = []
        self._asked = 0

    def begin(self, seed: int) -> None:
        """Start the step that this seed names."""
        self._common.manual_seed(seed)
        self._own.manual_seed(seed ^ (0x9E3779B97F4A7C15 * (self.rank + 1) & (2**63 - 1)))
        self._asked = 0
        for kind, buffer in self._answers:
            self._fill(kind, buffer)

    def uniform(self, shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
        """Uniform on [0, 1); the first dimension counts the samples of this process."""
        return self._rows("uniform", shape, dtype)

    def normal(self, shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
        """Standard normal; the first dimension counts the samples of this process."""
        return self._rows("normal", shape, dtype)

    def bits(self, count: int) -> Tensor:
        """`count` random 64-bit integers, of this process alone."""
        return self._answer("bits", (count,), torch.int64)

    def _rows(self, kind: str, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        rows = shape[0]
        whole = self._answer(kind, (rows * self.size, *shape[1:]), dtype)
        return whole[self.rank * rows : (self.rank + 1) * rows]

    def _answer(self, kind: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        if self.fixed and self._asked < len(self._answers):
            known, buffer = self._answers[self._asked]
            if (known, buffer.shape, buffer.dtype) != (kind, shape, dtype):
                raise RuntimeError(
                    f"random number {self._asked} of a step was {known} {tuple(buffer.shape)}, now "
                    f"{kind} {shape} is asked for. Steps with fixed draws must all be alike."
                )
            self._asked += 1
            return buffer
        buffer = self._fill(kind, torch.empty(shape, dtype=dtype, device=self.device))
        if self.fixed:
            self._answers.append((kind, buffer))
            self._asked += 1
        return buffer

    def _fill(self, kind: str, buffer: Tensor) -> Tensor:
        match kind:
            case "uniform":
                return buffer.uniform_(generator=self._common)
            case "normal":
                return buffer.normal_(generator=self._common)
            case _:
                return buffer.random_(-(2**63), None, generator=self._own)


Random = torch.Generator | Draws
"""Where random numbers come from; None, where it is allowed, is torch's global generator."""


def uniform(
    shape: Sequence[int], random: Random | None, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """Uniform on [0, 1), of that shape, from any source."""
    if isinstance(random, Draws):
        return random.uniform(shape, dtype)
    return torch.rand(shape, generator=random, device=device, dtype=dtype)


def normal(
    shape: Sequence[int], random: Random | None, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """Standard normal, of that shape, from any source."""
    if isinstance(random, Draws):
        return random.normal(shape, dtype)
    return torch.randn(shape, generator=random, device=device, dtype=dtype)


def bits(count: int, random: Random | None, device: torch.device) -> Tensor:
    """`count` random 64-bit integers from any source."""
    if isinstance(random, Draws):
        return random.bits(count)
    empty = torch.empty(count, dtype=torch.int64, device=device)
    return empty.random_(-(2**63), None, generator=random)
