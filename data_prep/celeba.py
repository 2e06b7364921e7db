"""CelebA, 202,599 aligned pictures of faces: the three framings that GAN code takes from them."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import tyro
from PIL import Image

from data_prep.face_search import Search
from data_prep.framing import CELEBA, CELEBA_BOXES, around_box
from data_prep.job import Dropped, Item, Job, Made
from data_prep.listing import listing, read
from data_prep.pictures import decode, fit, pixels
from lsgan_lib.errors import BookError
from lsgan_lib.folders import data_folder

PAGE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
ARCHIVE = "img_align_celeba.zip"
# The second is what the copy on Kaggle has in place of the first.
PARTITIONS = ("list_eval_partition.txt", "list_eval_partition.csv")
SPLITS = ("train", "valid", "test")
WORDS = {
    "center": "rows 50-177, columns 25-152 of the aligned picture",
    "window": "120 x 120 pixels at left 29, top 64 of the aligned picture",
    "face": "square around the detector's box in the aligned picture",
    "none": "as found: the pictures were framed before",
}


@dataclass(frozen=True)
class CelebA:
    """CelebA faces, from img_align_celeba.zip, a folder of its pictures, or by download."""

    source: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """the zip, a folder of its pictures (.jpg or .png), or a folder of zips; a download into the
    data folder if not given"""
    size: int = 64
    """side of the pictures in the set, pixels"""
    framing: Literal["center", "face", "window", "none"] = "center"
    """center: the 128 x 128 pixels of least squares GAN code; window: 120 x 120 closer around the
    face, the same place in every picture; face: what a detector finds; none: pictures that are
    square already"""
    split: Literal["all", "train", "valid", "test"] = "all"
    """a part of the official partition, which list_eval_partition.txt must give"""
    search: Annotated[Search, tyro.conf.arg(name="")] = Search()
    """with --framing face: how faces are looked for"""

    def job(self) -> Job:
        """List the pictures; raises BookError when there are none, or no partition if needed."""
        if self.size < 8:
            raise BookError(f"--size is {self.size}, but must be at least 8.")
        tools = {"pillow": version("pillow")}
        options: dict[str, Any] = {"size": self.size, "framing": self.framing, "split": self.split}
        if self.framing == "face":
            tools |= self.search.check()
            options |= self.search.options(self.size)
        path = Path(self.source).expanduser() if self.source else _downloaded(data_folder())
        found = listing(path)
        items, refused = found.items, found.refused
        if self.split != "all":
            items, strangers = _part(found.items, path, self.split)
            refused = [*refused, *strangers]
        name = f"celeba{self.size}"
        name += f"-{self.framing}" if self.framing in ("window", "face") else ""
        name += f"-{self.split}" if self.split != "all" else ""
        return Job(
            name=name,
            shape=(3, self.size, self.size),
            items=items,
            make=self._make,
            facts={
                "source": f"CelebA, aligned and cropped pictures, {PAGE}",
                "licence": "non-commercial research only, no redistribution",
                "attribution": "Liu, Luo, Wang, Tang: Deep Learning Face Attributes in the Wild, "
                "ICCV 2015",
                "framing": WORDS[self.framing],
                "options": options,
                "tools": tools,
            },
            refused=refused,
            ignored=found.ignored,
        )

    def _make(self, item: Item) -> Made:
        image = decode(read(item.place))
        if self.framing == "none":
            return self._as_found(image)
        if image.size != CELEBA:
            already = image.width == image.height
            hint = " (already framed? --framing none takes square pictures)" if already else ""
            raise Dropped(f"178x218 expected, got {image.width}x{image.height}{hint}")
        if self.framing == "face":
            face, note = self.search.find(image, self.size)
            return self.search.crop(
                image, around_box(face.box, self.search.margin), self.size, note
            )
        left, top, side = CELEBA_BOXES[self.framing]
        return Made(pixels(fit(image, self.size, box=(left, top, left + side, top + side))))

    def _as_found(self, image: Image.Image) -> Made:
        width, height = image.size
        if width != height:
            raise Dropped(f"--framing none expects a square picture, got {width}x{height}")
        note = f"enlarged from {width}x{height}" if width < self.size else ""
        return Made(pixels(fit(image, self.size)), note)


def _part(
    items: Sequence[Item], path: Path, split: str
) -> tuple[list[Item], list[tuple[str, str]]]:
    """The pictures of one split, and those that the partition does not know, with that reason.

    Names are compared without ending: png copies belong to the split, too.
    """
    place, text = _partition(path.resolve())
    try:
        rows = [line.replace(",", " ").split() for line in text.splitlines() if line.strip()]
        number = {PurePosixPath(name).stem: int(part) for name, part in rows if part.isdigit()}
    except ValueError:
        raise BookError(
            f"{place} is not CelebA's partition: each line must be a file name and 0, 1 or 2."
        ) from None
    wanted = SPLITS.index(split)
    kept = [item for item in items if number.get(_stem(item)) == wanted]
    if not kept:
        raise BookError(
            f"none of the {len(items):,} pictures of {path} is in the split {split} of {place}. "
            "Are they the pictures of CelebA under their own names, 000001.jpg to 202599.jpg?"
        )
    strangers = [item for item in items if _stem(item) not in number]
    return kept, [(item.name, "not in CelebA's partition") for item in strangers]


def _stem(item: Item) -> str:
    return PurePosixPath(item.place.member or Path(item.place.path).as_posix()).stem


def _partition(path: Path) -> tuple[str, str]:
    """Find the partition: in the folder, in the zip, or beside either. Returns (place, text)."""
    for folder in (path, path.parent) if path.is_dir() else (path.parent,):
        for name in PARTITIONS:
            if (folder / name).is_file():
                return str(folder / name), (folder / name).read_text(errors="replace")
    if path.is_file():
        try:
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    if PurePosixPath(member).name in PARTITIONS:
                        return f"{member} in {path}", archive.read(member).decode(errors="replace")
        except Exception as error:  # zipfile raises many kinds for a damaged member
            raise BookError(f"the partition in {path} is damaged ({error}).") from error
    raise BookError(
        f"--split needs CelebA's partition {PARTITIONS[0]}, which is neither in {path} nor beside "
        f"it. Get it from {PAGE} (folder Eval), put it there, or leave --split away."
    )


def _downloaded(folder: Path) -> Path:
    """Find CelebA in the data folder, or have torchvision download it there (1.4 GB)."""
    home = folder / "celeba"
    if zipfile.is_zipfile(home / ARCHIVE):
        return home / ARCHIVE
    if (home / "img_align_celeba").is_dir():
        return home / "img_align_celeba"
    from torchvision.datasets import CelebA as Known
    from torchvision.datasets.utils import download_file_from_google_drive

    # Torchvision's own list of files and checksums, but only the two that are needed here: each
    # further file is one more that the host may refuse.
    wanted = [row for row in Known.file_list if row[2] in (ARCHIVE, PARTITIONS[0])]
    try:
        for number, checksum, name in reversed(wanted):  # the small one first
            download_file_from_google_drive(number, str(home), name, checksum)
    except Exception as error:  # gdown, requests and the disk each raise their own kinds
        text = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        if isinstance(error, OSError):  # those of requests quote the whole address instead
            text = error.strerror or "no connection to its host"
        raise BookError(
            f"CelebA could not be downloaded: {text}. Its host often refuses. "
            f"Download {ARCHIVE} by hand from {PAGE} and name it: --from {ARCHIVE}."
        ) from error
    return home / ARCHIVE
