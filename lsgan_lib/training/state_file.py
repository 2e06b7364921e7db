"""One state of a run in one file that checks itself.

The bytes are those of torch.save, and after them one line of text that seals them:

    lsgan state 0002 sha256 <64 hexadecimal digits>

The number is the format, the digits are the checksum of everything before them, that number
included. torch does not mind what follows its own bytes, so `torch.load(path, weights_only=True)`
works too.

The checksum finds accidents, and is compared before anything else looks at the bytes. It is no
signature: who means harm can seal a file as well. So nothing is ever unpickled from one but tensors
and plain values (weights_only=True), whatever its seal says.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from lsgan_lib.errors import BookError, first_line
from lsgan_lib.files import atomic

FORMAT = 2
"""The format that `write` writes. `read` turns the older ones into it."""

_SEAL = re.compile(rb"\nlsgan state (\d{4}) sha256 ([0-9a-f]{64})\n")
_SEAL_BYTES = len(b"\nlsgan state 0002 sha256 ") + 64 + 1


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a state, whole or not at all; raises BookError where the disk is full.

    content: tensors, numbers, strings, None, and lists, tuples and dictionaries of them; "shown"
    (images) and "recipe" (as JSON) at least.
    """
    # Serialised in memory first: a full disk must show itself as an OSError, not inside torch.
    buffer = io.BytesIO()
    torch.save({**content, "format": FORMAT}, buffer)
    buffer.seek(0, io.SEEK_END)
    buffer.write(b"\nlsgan state %04d sha256 " % FORMAT)
    with buffer.getbuffer() as sealed:
        digits = hashlib.sha256(sealed).hexdigest().encode()
    buffer.write(digits + b"\n")
    with atomic(path) as file:
        file.write(buffer.getbuffer())


def read(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """The state in a file, its tensors on the device, in the format of today.

    Raises BookError where the file is missing, cut short, changed in any bit, of a newer format
    or another program's.
    """
    advice = "Put a whole copy in its place, or go on from another state of the run."
    try:
        return _read(path.read_bytes(), device)
    except OSError as error:
        raise BookError(f"{path} cannot be read ({error.strerror}). {advice}") from error
    except _Refused as refused:
        raise BookError(f"{path} {refused}. {advice}") from refused.__cause__


class _Refused(Exception):
    """What is wrong with a file: the end of a sentence that begins with its name."""


def _read(data: bytes, device: torch.device | str) -> dict[str, Any]:
    # torch also reads what it wrote before it wrote archives. We never did.
    if data[:4] != b"PK\3\4":
        raise _Refused("cannot be read: it was not written by lsgan, or its beginning is lost")
    seal = _SEAL.fullmatch(data[-_SEAL_BYTES:])
    if seal is None:
        _check_format_1(data)
    elif hashlib.sha256(memoryview(data)[: -64 - 1]).hexdigest().encode() != seal[2]:
        raise _Refused("cannot be read: its checksum says that it was changed later")
    version = int(seal[1]) if seal is not None else 1
    if version > FORMAT:
        raise _Refused(
            f"has format {version}, of a newer lsgan than this one, which reads up to {FORMAT}"
        )
    try:
        content = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
    except Exception as error:  # torch raises many kinds for bytes that it does not like
        raise _Refused(f"cannot be loaded on {device} ({first_line(error, 200)})") from error
    claimed = content.get("format") if isinstance(content, dict) else None
    if not isinstance(claimed, int):
        raise _Refused("cannot be read: it was not written by lsgan")
    if claimed != version:
        sealed = "is sealed as" if seal is not None else "has no seal, like"
        raise _Refused(
            f"cannot be read: it {sealed} a file of format {version}, and says that it is of "
            f"format {claimed}"
        )
    try:
        with torch.device(device):  # where tensors belong that a migration makes
            for older in range(version, FORMAT):
                content = _MIGRATIONS[older](content)
    except Exception as error:  # whatever a content of another shape leads to
        raise _Refused(
            f"cannot be read: it says that it is of format {version}, and is not "
            f"({type(error).__name__}: {first_line(error, 200)})"
        ) from error
    if not (isinstance(content.get("shown"), int) and isinstance(content.get("recipe"), dict)):
        raise _Refused("cannot be read: it is not the state of a run")
    return content


def _check_format_1(data: bytes) -> None:
    """Refuse what cannot be a file of format 1, the only one without a seal, before torch sees it.

    That is an archive which ends where its last record ends. torch does not compare the archive's
    own checksums; zipfile does.
    """
    end = data[-22:]
    if not (end[:4] == b"PK\5\6" and end[-2:] == b"\0\0"):
        raise _Refused("cannot be read: it is cut short, or was not written by lsgan")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            damaged = archive.testzip()
    except Exception as error:  # zipfile has many kinds too
        raise _Refused(f"cannot be read ({first_line(error, 200)}): it is damaged") from error
    if damaged is not None:
        raise _Refused(f"cannot be read: its part {damaged} was changed later")


_FORMAT_1 = {
    *("format", "recipe", "shown", "generator", "critic", "average", "generator_optimiser"),
    *("critic_optimiser", "sums", "counts", "history"),
}


def _to_2(old: dict[str, Any]) -> dict[str, Any]:
    """One tensor for the sums of a tick; settings of optimisers come from the recipe alone."""
    if old.keys() != _FORMAT_1:
        raise KeyError(*sorted(old.keys() ^ _FORMAT_1))
    names = list(old["sums"])
    sums = [old["sums"][name].float() for name in names]
    kept = ("recipe", "shown", "generator", "critic", "average", "history")
    return {
        **{name: old[name] for name in kept},
        "format": 2,
        "generator_optimiser": {"state": old["generator_optimiser"]["state"]},
        "critic_optimiser": {"state": old["critic_optimiser"]["state"]},
        "tick": {
            "names": names,
            "sums": torch.stack(sums) if sums else torch.zeros(0),
            "counts": [int(old["counts"][name]) for name in names],
            "first_bad": torch.full((len(names),), -1),
        },
        "precision": "fp32",
        "watch": {},
        "rollbacks": 0,
    }


_MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _to_2}
"""From each older format to the next."""
