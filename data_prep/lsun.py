"""LSUN: millions of photographs of scenes, from its lmdb folders or from exported pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from zipfile import ZipFile, is_zipfile

import tyro

from data_prep import listing
from data_prep.job import Dropped, Item, Job, Made
from data_prep.pictures import Fit, decode, fit, pixels
from lsgan_lib.errors import BookError

if TYPE_CHECKING:
    import lmdb


class LmdbPlace(NamedTuple):
    """A picture in an lmdb folder."""

    folder: str
    key: bytes


@dataclass(frozen=True)
class LSUN:
    """LSUN scenes (churches, bedrooms, ...), from an lmdb folder or exported pictures."""

    source: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """an unpacked lmdb folder (with data.mdb), or a folder or zip of exported pictures"""
    size: int = 64
    """side of the pictures in the set, pixels"""
    fit: Fit = "crop"
    """crop the largest square in the middle, or squash the whole picture, as the paper's code"""
    first: int | None = None
    """only the first so many pictures, in the order of their keys or names; all if not given"""

    def job(self) -> Job:
        """List the keys or files; raises BookError when there are none, or lmdb is missing."""
        if self.source is None:
            raise BookError(
                "name the pictures: --from FOLDER, such as church_outdoor_train_lmdb with data.mdb."
            )
        if self.size < 4:
            raise BookError(f"--size is {self.size}, but must be at least 4.")
        if self.first is not None and self.first < 1:
            raise BookError(f"--first is {self.first}, but must be at least 1.")
        home = Path(self.source).expanduser()
        if home.name == "data.mdb" and home.is_file():
            home = home.parent
        _refuse_what_must_be_opened_first(home)
        found = listing.Listing()
        if (home / "data.mdb").is_file():
            found.items = list(islice(_lmdb_items(home), self.first))
        else:
            found = listing.listing(home)
        return Job(
            name=f"lsun{self.size}",
            shape=(3, self.size, self.size),
            items=found.items[: self.first],
            make=self._make,
            facts={
                "source": "photographs of LSUN",
                "licence": "none stated; the photographs were collected from the web",
                "attribution": "Yu, Seff, Zhang, Song, Funkhouser, Xiao: LSUN, arXiv:1506.03365, "
                "2015",
                "framing": "largest square in the middle, resized"
                if self.fit == "crop"
                else "the whole picture, squashed into a square",
                "options": {"size": self.size, "fit": self.fit, "first": self.first},
                "tools": {"pillow": version("pillow")},
            },
            refused=found.refused,
            ignored=found.ignored,
        )

    def _make(self, item: Item) -> Made:
        place = item.place
        data = _value(place) if isinstance(place, LmdbPlace) else listing.read(place)
        return Made(pixels(fit(decode(data), self.size, how=self.fit)))


def _refuse_what_must_be_opened_first(home: Path) -> None:
    """Raise BookError for a zipped lmdb, and for a folder of lmdb folders."""
    if home.is_file() and is_zipfile(home):
        try:
            with ZipFile(home) as archive:
                inside = [name for name in archive.namelist() if name.endswith("data.mdb")]
        except Exception:  # damaged: the listing says so
            inside = []
        if inside:
            raise BookError(
                f"{home} holds {inside[0]}, which cannot be read within a zip. Unpack it, and name "
                "the folder of data.mdb with --from."
            )
    if home.is_dir() and not (home / "data.mdb").is_file():
        folders = sorted(path.parent.name for path in home.glob("*/data.mdb"))
        if folders:
            raise BookError(
                f"{home} holds the lmdb folders {', '.join(folders)}. Name one of them with --from."
            )


# --- lmdb -------------------------------------------------------------------------------------


def _lmdb_items(folder: Path) -> Iterator[Item]:
    try:
        import lmdb
    except ImportError:
        raise BookError(
            "reading data.mdb needs lmdb: pip install lmdb. Or export the pictures with LSUN's own "
            "data.py on another machine, and name their folder with --from."
        ) from None
    changed = (folder / "data.mdb").stat().st_mtime_ns
    count = 0
    try:
        with _environment(str(folder.resolve())).begin(buffers=True) as transaction:
            for key, value in transaction.cursor():
                count += 1
                place = LmdbPlace(str(folder.resolve()), bytes(key))
                yield Item(_name(place.key), place, size=len(value), changed=changed)
    except lmdb.Error as error:
        raise BookError(f"{folder / 'data.mdb'} is damaged ({error}). Unpack it again.") from error
    if count == 0:
        raise BookError(f"{folder / 'data.mdb'} holds no pictures.")


@lru_cache(maxsize=1)  # in each process: lmdb must not open a folder twice in one
def _environment(folder: str) -> "lmdb.Environment":
    import lmdb

    path = Path(folder) / "data.mdb"
    try:
        # Nobody writes, so no lock file, which a read-only disk would refuse.
        environment = lmdb.open(folder, readonly=True, lock=False, create=False, readahead=False)
        needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    except (lmdb.Error, OSError) as error:
        raise BookError(f"{path} is no lmdb file, or a damaged one ({error}).") from error
    if path.stat().st_size < needed:
        # The file is mapped into memory: touching what is missing would kill the process.
        environment.close()
        raise BookError(
            f"{path} is cut off: {path.stat().st_size:,} bytes of {needed:,}. Unpack or copy it "
            "again."
        )
    return environment


def _value(place: LmdbPlace) -> bytes:
    import lmdb

    try:
        with _environment(place.folder).begin() as transaction:
            value = transaction.get(place.key)
    except lmdb.Error as error:
        raise Dropped(f"damaged in data.mdb ({error})") from None
    if value is None:
        raise Dropped("no longer in data.mdb")
    return value


def _name(key: bytes) -> str:
    """A key as text: LSUN's are hexadecimal digits; whatever else there is stays unique."""
    text = key.decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() else f"0x{key.hex()}"
