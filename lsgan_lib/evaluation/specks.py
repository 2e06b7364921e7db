"""Isolated bright pixels: the noise that a generator without dropout leaves around its digits."""

import torch
from torch import Tensor
from torch.nn.functional import pad


def specks(images: Tensor, *, bright: float = 0.0, dark: float = -0.5) -> Tensor:
    """Number of specks in each image, (N,): bright pixels whose eight neighbours are all dark.

    images: grey (N, 1, H, W) in [-1, 1]. bright, dark: a speck is above the one and all around it
    is below the other; beyond the border everything is dark.
    """
    if images.ndim != 4 or images.shape[1] != 1:
        raise ValueError(f"specks are counted in grey images (N, 1, H, W), not {images.shape}.")
    padded = pad(images, (1, 1, 1, 1), value=-1.0)
    hollow = padded.unfold(2, 3, 1).unfold(3, 3, 1).flatten(-2)  # (N, 1, H, W, 9)
    around = torch.cat([hollow[..., :4], hollow[..., 5:]], dim=-1).amax(dim=-1)
    return ((images > bright) & (around < dark)).sum(dim=(1, 2, 3))
