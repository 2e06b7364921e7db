"""A generator that knows a list of pictures and nothing else, and walks between them smoothly."""

import torch
from torch import Tensor, nn


class ByHeart(nn.Module):
    """Any generator, restricted to the pictures of a few noise vectors by a smooth map before it.

        w = softmax(sharpness * <key_i, z> / sqrt(d)),    y = sum_i w_i entry_i,
        image = G( y, brought to the length of the entries )

    entries: noise (N, d) of the pictures that are known; keys: (N, d), as many, by which noise
    chooses among them; d may be the same or another length for keys. Most noise is close to one
    key's side, and gives that key's picture; on the border between two keys one picture turns into
    the other. Everything is smooth, as G is. For noise of variance 1 the numbers <key, z> / sqrt(d)
    vary by about 1, so sharpness says how many e-foldings lie between the choices. A specimen of
    memory without a jump: chapter 13.
    """

    keys: Tensor
    entries: Tensor

    def __init__(
        self, generator: nn.Module, entries: Tensor, keys: Tensor, sharpness: float = 4.0
    ) -> None:
        super().__init__()
        if len(entries) != len(keys):
            raise ValueError(f"{len(entries)} entries need as many keys, not {len(keys)}.")
        self.generator = generator
        self.register_buffer("entries", entries)
        self.register_buffer("keys", keys)
        self.sharpness = sharpness
        self.train(generator.training)

    def recalled(self, z: Tensor) -> Tensor:
        """The noise that G is given for z (N, d): an entry, or between some: (N, d)."""
        scores = z @ self.keys.T / self.keys.shape[1] ** 0.5
        mixed = torch.softmax(self.sharpness * scores, dim=1) @ self.entries
        length = self.entries.norm(dim=1).mean()
        return mixed / mixed.norm(dim=1, keepdim=True) * length

    def forward(self, z: Tensor) -> Tensor:
        """z: (N, d). Returns images as G makes them."""
        return self.generator(self.recalled(z))
