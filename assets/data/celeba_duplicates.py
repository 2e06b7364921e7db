"""Counts near-duplicates in a packed set: python assets/data/celeba_duplicates.py SET.

SET is what `lsgan data celeba --framing none` made of 27,468 pictures of CelebA. Written is
celeba_duplicates.json beside this file: numbers only, no picture and no name of a file.
"""

import argparse
from pathlib import Path

import torch

from lsgan_lib.data import read_set
from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.files import write_json

THRESHOLDS = (2, 4, 6, 8, 10, 12, 16, 20)  # grey levels of 255
LOOKED_AT = 8
GREY = torch.tensor([0.299, 0.587, 0.114])[:, None, None]


def reduced(images: torch.Tensor) -> torch.Tensor:
    """uint8 (N, 3, 64, 64) -> float (N, 1, 16, 16), grey, from 0 to 255."""
    grey = (images.float() * GREY).sum(dim=1, keepdim=True)
    return torch.nn.functional.avg_pool2d(grey, images.shape[-1] // 16)


def main() -> None:
    """Each picture's nearest other one, and the nearest one to its mirror image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", type=Path)
    parser.add_argument("--seen", default="nobody", help="what somebody saw who looked at pairs")
    given = parser.parse_args()
    pictures = read_set(given.set)
    small = torch.cat([reduced(piece) for piece in pictures.images.split(2_000)])
    plain, other = nearest(small, small, skip_same=True)
    mirrored, _ = nearest(small.flip(-1), small, skip_same=True)
    close = (plain < LOOKED_AT).nonzero().flatten().tolist()
    pairs = {tuple(sorted((i, int(other[i])))) for i in close}
    write_json(
        Path(__file__).with_suffix(".json"),
        {
            "set": f"{pictures.name}: {pictures.manifest['attribution']}",
            "pictures": len(pictures),
            "exact_duplicates": pictures.manifest["exact_duplicates"],
            "distance": "root mean square of the grey levels, 0 to 255, at 16 x 16 pixels",
            "nearest_below": {str(limit): int((plain < limit).sum()) for limit in THRESHOLDS},
            "mirrored_nearest_below": {
                str(limit): int((mirrored < limit).sum()) for limit in THRESHOLDS
            },
            "pairs_below_8": len(pairs),
            "looked_at": given.seen,
            "median_nearest": round(plain.median().item(), 1),
        },
    )


if __name__ == "__main__":
    main()
