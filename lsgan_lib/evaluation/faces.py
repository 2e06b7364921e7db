"""What a recorded generator of faces is measured by: a detector, the data, the nearest neighbours.

Distances and shares only: no training picture leaves the set.
"""

from typing import Any

import torch
from torch import Tensor

from lsgan_lib.data.image_set import ImageSet, to_float
from lsgan_lib.evaluation.detected import SMALLEST, SURE, faces_found
from lsgan_lib.evaluation.neighbours import nearest_of_many
from lsgan_lib.training.distance import sliced_wasserstein, spread

_NEIGHBOURS = 500
"""pictures of each kind whose nearest training face is looked for"""
_QUANTILES = (0.01, 0.05, 0.5, 0.95)


def face_metrics(samples: Tensor, data: ImageSet, *, mirrored: bool) -> dict[str, Any]:
    """Samples against the training faces, and real faces by the same measures.

    samples: (N, 3, H, W) in [-1, 1], not picked. mirrored: the run saw mirror images too.
    The set must hold at least 2 N faces. Returns

    faces              share of the samples in which the detector finds a face; faces_real: of as
                       many real ones
    spread             of the samples, as a share of the data's
    distance           sliced Wasserstein distance of samples to real faces, of equal number;
                       distance_real: of two halves of real faces, what remains by chance
    nearest            quantiles of the distance to the nearest training face (root mean square of
                       a pixel's difference in [-1, 1]): samples; real, to the nearest *other* face;
                       copies, real faces moved by one pixel to the right, what memory would look
                       like
    """
    count = len(samples)
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))
    rows, others = order[:count], order[count : 2 * count]
    real, other = to_float(data.images[rows]), to_float(data.images[others])
    few = min(_NEIGHBOURS, count)
    own = rows[:few]

    def far(images: Tensor, own: Tensor | None = None) -> dict[str, float]:
        distance, _ = nearest_of_many(images, data.images, mirrored=mirrored, own=own)
        return quantiles(distance)

    return {
        "samples": count,
        "detector": {"smallest": SMALLEST, "sure": SURE},
        "faces": faces_found(samples).float().mean().item(),
        "faces_real": faces_found(real).float().mean().item(),
        "spread": spread(samples) / spread(real),
        "distance": sliced_wasserstein(samples, real),
        "distance_real": sliced_wasserstein(other, real),
        "nearest": {
            "pictures": few,
            "samples": far(samples[:few]),
            "real": far(real[:few], own),
            "copies": far(moved(real[:few])),
        },
    }


def moved(images: Tensor) -> Tensor:
    """Each picture one pixel to the right; the column that was on the left stays there too."""
    return torch.cat([images[..., :1], images[..., :-1]], dim=3)


def quantiles(values: Tensor) -> dict[str, float]:
    """Some quantiles by name: {"1 %": ..., "5 %": ..., "50 %": ..., "95 %": ...}."""
    found = values.quantile(torch.tensor(_QUANTILES)).tolist()
    return {f"{q:.0%}".replace("%", " %"): v for q, v in zip(_QUANTILES, found, strict=True)}
