"""Download one file by torchvision, whole and with the right checksum, or not at all."""

import http.client
import os
import socket
import tempfile
import urllib.error
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from lsgan_lib.errors import BookError

SILENCE = 60
"""Seconds without a byte after which a host counts as gone."""


def fetch(urls: Sequence[str], md5: str, target: Path, *, by_hand: str) -> None:
    """Download from the first address that serves the file with this md5, and name it `target`.

    torchvision writes into the final name as bytes come in, and for MNIST takes whatever it finds
    unpacked for whole. So it works in a folder of its own here, and the file takes its name when
    its checksum was right; an interrupted download leaves nothing that looks like one.
    by_hand: ends the sentence when no address serves it; says where else to get the file.
    Raises BookError with the reason for each address.
    """
    from torchvision.datasets.utils import download_url  # 2 s, needed only here

    reasons = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=target.parent) as part:
            for url in urls:
                try:
                    with _patience():
                        download_url(url, part, target.name, md5)
                except (OSError, RuntimeError, http.client.HTTPException) as error:
                    reasons.append(f"{urlsplit(url).netloc}: {_reason(error)}")
                else:
                    os.replace(Path(part) / target.name, target)
                    return
    except OSError as error:
        raise BookError(
            f"cannot write to {target.parent} ({error.strerror or error}). Set LSGAN_DATA to "
            "another folder."
        ) from error
    raise BookError(f"{target.name} could not be downloaded ({'; '.join(reasons)}). {by_hand}")


@contextmanager
def _patience() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the host answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"no connection, {getattr(error.reason, 'strerror', None) or error.reason}"
    if isinstance(error, TimeoutError):
        return f"silent for {SILENCE} s"
    if isinstance(error, OSError | http.client.HTTPException):
        return f"the connection broke off, {getattr(error, 'strerror', None) or error}"
    if "corrupted" in str(error):
        return "what arrived was cut off or is another file: its md5 checksum is wrong"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
