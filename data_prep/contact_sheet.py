"""A picture of pictures: what a set looks like at one glance."""

import io

import numpy as np
from PIL import Image

_GAP = 2  # pixels between two pictures


def contact_sheet(pictures: np.ndarray, columns: int = 10) -> bytes:
    """PNG file of pictures uint8 (N, C, H, W), in rows from the upper left, on white."""
    count, channels, height, width = pictures.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    size = (rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, channels)
    sheet = np.full(size, 255, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = i // columns * (height + _GAP), i % columns * (width + _GAP)
        sheet[top : top + height, left : left + width] = picture.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet).save(file, "PNG")
    return file.getvalue()
