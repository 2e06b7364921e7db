"""How far samples lie from the data: a number that a run can watch without any other network."""

import torch
from torch import Tensor


def sliced_wasserstein(samples: Tensor, real: Tensor, *, directions: int = 128) -> float:
    """Sliced Wasserstein distance between two sets of equal size, (N, ...) each.

        sqrt( mean over directions r of  1/N sum_k ( <r, x>_(k) - <r, y>_(k) )^2 )

    r: uniform on the unit sphere, always the same for one shape; _(k): the k-th smallest of N. In
    one dimension sorting pairs two sets at the least cost, and a random direction makes any set
    one-dimensional. Bonneel et al. 2015, Journal of Mathematical Imaging and Vision 51. For images
    in [-1, 1] it sees brightness, colour and collapse, not sharpness: a guide for keeping a state,
    no measure to publish. Raises ValueError for sets of different shapes.
    """
    if samples.shape != real.shape:
        raise ValueError(
            f"the two sets must have one shape, not {tuple(samples.shape)} and {tuple(real.shape)}."
        )
    x, y = samples.flatten(1).double(), real.flatten(1).double()
    random = torch.Generator().manual_seed(0)
    r = torch.randn(x.shape[1], directions, generator=random, dtype=torch.float64)
    r = (r / r.norm(dim=0)).to(x.device)
    return ((x @ r).sort(dim=0).values - (y @ r).sort(dim=0).values).square().mean().sqrt().item()


def spread(points: Tensor) -> float:
    """Root mean square distance of each entry from its mean over the set: 0 if all are alike."""
    return points.double().var(dim=0, correction=0).mean().sqrt().item()
