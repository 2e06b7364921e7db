"""The idx format of MNIST and its relatives: a magic number, the sizes, the bytes."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from lsgan_lib.errors import BookError

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> np.ndarray:
    """Read an idx file of unsigned bytes, plain or gzip (by its .gz): uint8, shape as it says.

    Layout: two zero bytes, the type (8: unsigned byte), the number of dimensions, then each size
    as a big-endian 32-bit integer, then the data. Raises BookError naming the file when it is
    missing, is another format, or is shorter or longer than its header says.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
        content = gzip.decompress(raw) if path.suffix == ".gz" else raw
    except FileNotFoundError:
        raise BookError(f"there is no file {path}.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise BookError(
            f"{path} cannot be unpacked ({error}): it is damaged or was not downloaded to its "
            "end. Delete it and fetch it again."
        ) from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UNSIGNED_BYTE:
        raise BookError(f"{path} is not an idx file of unsigned bytes.")
    dimensions = content[3]
    header = 4 + 4 * dimensions
    if dimensions == 0 or len(content) < header:
        raise BookError(f"{path} ends within its header. Delete it and fetch it again.")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    if len(content) - header != math.prod(shape):
        raise BookError(
            f"{path} should hold {' x '.join(map(str, shape))} bytes but holds "
            f"{len(content) - header}: it is cut off or damaged. Delete it and fetch it again."
        )
    try:
        return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
    except ValueError as error:  # an empty array has limits too: 64 dimensions, for one
        raise BookError(f"{path} is damaged ({error}). Delete it and fetch it again.") from error
