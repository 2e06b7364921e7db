"""What lies in a folder, a zip, or a folder of zips - found once, in an order that stays."""

import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from data_prep.job import Dropped, Item
from data_prep.pictures import MOST_BYTES, SUFFIXES, UNREAD, open_picture
from lsgan_lib.errors import BookError, first_line

_HEADER = 65_536  # bytes; enough for Pillow to tell what a file is
_BOXES = (b"avif", b"avis", b"heic", b"heix", b"mif1")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture's bytes lie: a file, or a member of a zip."""

    path: str
    member: str | None = None
    index: int = 0
    """position within the zip: two members may have one name"""


@dataclass
class Listing:
    """Everything that was found, sorted by name."""

    items: list[Item] = field(default_factory=list)
    """pictures by their names; not yet read. Their place is a Place."""
    folders: list[str | None] = field(default_factory=list)
    """of each item, the top folder that it lies in, or None: a class, perhaps"""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """(name, reason) of what cannot be used, whatever it holds"""
    ignored: list[str] = field(default_factory=list)
    """what is no picture and does not claim to be"""


def listing(path: Path) -> Listing:
    """List a folder with all its sub-folders and zips, or one zip. Nothing is unpacked.

    Raises BookError when the path is neither, cannot be read, or holds nothing at all.
    """
    path = Path(path).expanduser()
    found = Listing()
    if path.is_dir():
        _list_folder(path, found)
    elif path.is_file():
        problem = _list_zip(path, "", found)
        if problem:
            raise BookError(f"{path} {problem}. Name a folder of pictures, or a zip of them.")
    else:
        raise BookError(f"there is no folder and no zip at {path}. --from must name one.")
    if not (found.items or found.refused):
        raise BookError(f"{path} holds no pictures ({len(found.ignored)} other files).")
    order = sorted(range(len(found.items)), key=lambda i: found.items[i].name)
    found.folders = [found.folders[i] for i in order]
    found.items = _unique([found.items[i] for i in order])
    found.refused.sort()
    found.ignored.sort()
    return found


def read(place: Place) -> bytes:
    """The bytes of one picture; raises Dropped when they cannot be had."""
    try:
        if place.member is None:
            with open(place.path, "rb") as file:
                return file.read(MOST_BYTES + 1)
        archive = _open_zip(place.path)
        with archive.open(archive.infolist()[place.index]) as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError:  # it was listed a moment ago: a disk or a network drive went away
        raise BookError(
            f"{place.path} is no longer there. Run the same command again when the pictures are "
            "back: finished work is kept."
        ) from None
    except OSError as error:
        raise Dropped(f"cannot be read ({error.strerror or error})") from None
    except Exception as error:  # zipfile raises many kinds for a damaged or an encrypted member
        raise Dropped(f"damaged in the zip ({first_line(error, 100)})") from None


def _open_zip(path: str) -> zipfile.ZipFile:
    facts = os.stat(path)
    return _open_this_zip(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=64)  # one a process and zip: reading the table of contents takes longest
def _open_this_zip(path: str, size: int, changed: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def _list_folder(root: Path, found: Listing) -> None:
    # Links to folders are not followed: they may lead back up, or out of what was named.
    def cannot_list(error: OSError) -> None:
        name = Path(error.filename).relative_to(root).as_posix()
        if name == ".":
            raise BookError(f"{root} cannot be read ({error.strerror}).") from error
        found.refused.append((name, f"folder cannot be read ({error.strerror})"))

    for folder, names, files in os.walk(root, onerror=cannot_list):
        here = Path(folder)
        for name in list(names):
            inside = (here / name).relative_to(root).as_posix()
            if name.startswith(".") or name == "__MACOSX":
                names.remove(name)
                found.ignored.append(inside)
            elif (here / name).is_symlink():
                names.remove(name)
                found.refused.append((inside, "a link to a folder is not followed"))
            elif Path(name).suffix.lower() in SUFFIXES:
                found.refused.append((inside, "a folder with the name of a picture"))
        for name in files:
            _list_file(root, here / name, found)


def _list_file(root: Path, path: Path, found: Listing) -> None:
    name = path.relative_to(root).as_posix()
    try:
        facts = path.stat()
        if path.name.startswith("."):
            found.ignored.append(name)
        elif not path.is_file():
            found.refused.append((name, "neither a file nor a folder"))
        elif path.suffix.lower() == ".zip":
            top = name.split("/")[0] if "/" in name else None
            problem = _list_zip(path, f"{name}/", found, top)
            if problem:
                found.refused.append((name, problem))
        elif path.suffix.lower() in SUFFIXES:
            top = name.split("/")[0] if "/" in name else None
            found.items.append(
                Item(name, Place(str(path)), size=facts.st_size, changed=facts.st_mtime_ns)
            )
            found.folders.append(top)
        elif reason := _unread(name):
            found.refused.append((name, reason))
        else:
            with open(path, "rb") as file:
                _other(name, file.read(_HEADER), found)
    except OSError as error:  # a link that leads nowhere or to itself; no permission
        what = "a link that leads nowhere" if path.is_symlink() else "cannot be read"
        found.refused.append((name, f"{what} ({error.strerror})"))


def _list_zip(path: Path, prefix: str, found: Listing, top: str | None = None) -> str | None:
    """Add the members of a zip; returns what is wrong with the zip as a whole, if anything.

    top: the top folder that the zip itself lies in.
    """
    try:
        archive = _open_zip(str(path.resolve()))
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except Exception as error:  # a damaged table of contents raises many kinds
        return f"is no zip, or a damaged one ({first_line(error, 100)})"
    for index, member in enumerate(archive.infolist()):
        if member.filename.endswith("/"):  # is_dir() of Python 3.11 fails for an empty name
            continue
        name = prefix + (member.filename or f"member {index}")
        parts = PurePosixPath(member.filename).parts
        if not member.filename:
            found.refused.append((name, "without a name"))
        elif _unsafe(member.filename):
            found.refused.append((name, "unsafe path: it leads out of the zip"))
        elif any(part.startswith(".") or part == "__MACOSX" for part in parts):
            found.ignored.append(name)
        elif PurePosixPath(member.filename).suffix.lower() in SUFFIXES:
            if member.file_size > MOST_BYTES:
                found.refused.append((name, f"larger than {MOST_BYTES // 2**20} MB unpacked"))
                continue
            place = Place(str(path.resolve()), member.filename, index)
            # The checksum of the contents is in the table, which says more than a time.
            found.items.append(Item(name, place, size=member.file_size, content=member.CRC))
            found.folders.append(top or (parts[0] if len(parts) > 1 and not prefix else None))
        elif reason := _unread(member.filename):
            found.refused.append((name, reason))
        elif member.filename.lower().endswith(".zip"):
            found.refused.append((name, "a zip within a zip is not read: unpack the outer one"))
        else:
            try:
                with archive.open(member) as file:
                    _other(name, file.read(_HEADER), found)
            except Exception:  # unreadable, and not by its name a picture
                found.ignored.append(name)
    return None


def _unsafe(name: str) -> bool:
    """Whether a member's name would leave the folder that a careless program unpacks it into."""
    parts = re.split(r"[/\\]", name)
    return ".." in parts or parts[0] == "" or bool(re.match(r"[A-Za-z]:", name)) or "\0" in name


def _other(name: str, header: bytes, found: Listing) -> None:
    """A file that does not claim to be a picture: named in the report if it is one all the same."""
    try:
        kind = open_picture(header).format
    except Dropped:
        # Of these Pillow wants the whole file before it says what it is.
        kind = "WEBP" if header[:4] + header[8:12] == b"RIFFWEBP" else None
        kind = "AVIF or HEIC" if header[4:8] == b"ftyp" and header[8:12] in _BOXES else kind
    if kind is None:
        found.ignored.append(name)
        return
    suffix = PurePosixPath(name).suffix
    ending = f"ends in {suffix}" if suffix else "has no ending"
    found.refused.append((name, f"wrong extension: holds a {kind} picture, but its name {ending}"))


def _unread(name: str) -> str | None:
    """The reason to refuse a picture of a kind that cannot be read here, by its ending."""
    suffix = PurePosixPath(name).suffix.lower()
    return f"{suffix} pictures are not read: export them as JPEG" if suffix in UNREAD else None


def _unique(items: list[Item]) -> list[Item]:
    """Zips may hold two members of one name; the report tells them apart."""
    return list(_numbered(items, Counter(item.name for item in items)))


def _numbered(items: list[Item], times: Counter[str]) -> Iterator[Item]:
    seen: Counter[str] = Counter()
    for item in items:
        seen[item.name] += 1
        again = times[item.name] > 1 and seen[item.name] > 1
        yield replace(item, name=f"{item.name} ({seen[item.name]})") if again else item
