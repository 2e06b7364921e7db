"""Packed image sets, toy mixtures, and batches that are already on the device."""

from lsgan_lib.data.batches import Batches
from lsgan_lib.data.image_set import ImageSet, make_set, read_set, to_float, to_uint8, write_set
from lsgan_lib.data.mixtures import Mixture, grid, ring, seed_ring, triangle
from lsgan_lib.data.mnist_files import digits, mnist
from lsgan_lib.folders import ASSETS, data_folder

__all__ = [
    "ASSETS",
    "Batches",
    "ImageSet",
    "Mixture",
    "data_folder",
    "digits",
    "grid",
    "make_set",
    "mnist",
    "read_set",
    "ring",
    "seed_ring",
    "to_float",
    "to_uint8",
    "triangle",
    "write_set",
]
