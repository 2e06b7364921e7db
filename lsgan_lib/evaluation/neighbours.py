"""Nearest neighbours in pixel space: how far is a sample from anything real, and from what."""

from collections.abc import Iterator

import torch
from torch import Tensor

from lsgan_lib.data.image_set import to_float


def nearest(
    images: Tensor, references: Tensor, *, chunk: int = 1_000, skip_same: bool = False
) -> tuple[Tensor, Tensor]:
    """Distance to the nearest reference and its row, for each image.

    images, references: float (N, ...) and (M, ...), the same range. Returns (distance (N,),
    index (N,)); the distance is the root of the mean squared pixel difference, so that it does
    not grow with the size of the picture. skip_same: image i may not choose reference i (for a
    set against itself). Raises ValueError when the images are of different shapes.
    """
    distances, indices = [], []
    for start, piece in _distances(images, references, chunk):
        if skip_same:
            rows = torch.arange(len(piece))
            piece[rows, rows + start] = torch.inf
        distance, index = piece.min(dim=1)
        distances.append(distance)
        indices.append(index)
    return torch.cat(distances) / images[0].numel() ** 0.5, torch.cat(indices)


def nearest_of_many(
    images: Tensor,
    references: Tensor,
    *,
    mirrored: bool = False,
    own: Tensor | None = None,
    chunk: int = 2_000,
) -> tuple[Tensor, Tensor]:
    """As `nearest`, for references that are too many to hold as floats.

    images: float (N, C, H, W) in [-1, 1]; references: uint8 pixels (M, C, H, W). mirrored: compare
    with each reference's mirror image too, as a run with `flip` has seen it. own: row of the
    reference (N,) that image i may not choose, nor its mirror image: itself. chunk: references
    compared at once. Returns (distance (N,), row (N,)).
    """
    # An image is as far from a mirrored reference as its own mirror image is from the reference.
    both = torch.cat([images, images.flip(3)]) if mirrored else images
    count = len(images)
    least = torch.full((count,), torch.inf)
    rows = torch.zeros(count, dtype=torch.long)
    for start in range(0, len(references), chunk):
        piece = to_float(references[start : start + chunk])
        for _, distances in _distances(both, piece, chunk=len(both)):
            pairs = distances.unflatten(0, (-1, count)).amin(dim=0)  # (N, chunk)
            if own is not None:
                inside = (own >= start) & (own < start + len(piece))
                pairs[inside, own[inside] - start] = torch.inf
            distance, row = pairs.min(dim=1)
            rows = torch.where(distance < least, row + start, rows)
            least = torch.minimum(distance, least)
    return least / images[0].numel() ** 0.5, rows


def agreement(
    images: Tensor, references: Tensor, labels: Tensor, *, neighbours: int = 5
) -> tuple[Tensor, Tensor]:
    """Vote of the nearest references: the winning label and its share, for each image.

    labels: integers (M,) of the references. Returns (label (N,), share (N,)); a share of 1 says
    that all neighbours bear one label, so the image looks like one thing. Raises ValueError when
    the images are of different shapes.
    """
    votes = []
    for _, piece in _distances(images, references, chunk=1_000):
        nearest_rows = piece.topk(neighbours, largest=False).indices
        votes.append(torch.nn.functional.one_hot(labels[nearest_rows]).sum(dim=1))
    count, label = torch.cat(votes).max(dim=1)
    return label, count / neighbours


def _distances(images: Tensor, references: Tensor, chunk: int) -> Iterator[tuple[int, Tensor]]:
    """Euclidean distances, `chunk` images at a time: their first row, and (chunk, M).

    All of them at once would fill the memory for large sets.
    """
    if images.shape[1:] != references.shape[1:]:
        raise ValueError(
            f"images of shape {tuple(images.shape[1:])} and references of shape "
            f"{tuple(references.shape[1:])} cannot be compared."
        )
    flat, others = images.flatten(1), references.flatten(1)
    for start in range(0, len(flat), chunk):
        yield start, torch.cdist(flat[start : start + chunk], others)
