"""Files that are written whole or not at all."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lsgan_lib.errors import BookError


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name only when the block ends well.

    Until then it is a hidden neighbour; on any error, Ctrl-C included, that neighbour is removed
    and an older file of the same name stays as it was. Data reach the disk before the rename, so
    a power cut leaves the old file or the new one. Raises BookError when the disk is full or the
    folder cannot be written to.
    """
    path = Path(path)
    neighbour = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with open(neighbour, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(neighbour, path)
        except OSError as error:
            raise BookError(
                f"could not write {path}: {error.strerror or error}. Free some space or choose "
                "another folder; nothing written before is lost."
            ) from error
    finally:
        neighbour.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write content as readable JSON, whole or not at all."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    with atomic(path) as file:
        file.write(text.encode())


def read_json(path: Path) -> Any:
    """Read a JSON file; raises BookError naming it when it is missing or damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BookError(f"there is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise BookError(f"{path} cannot be read as JSON ({error}).") from error


def sha256(data: bytes | memoryview) -> str:
    """Checksum as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
