"""The packed sets on this machine: find one by its name, list them, describe one."""

from pathlib import Path

import numpy as np

from lsgan_lib.errors import BookError
from lsgan_lib.folders import ASSETS, data_folder
from lsgan_lib.packed import Packed, frequent_reasons, read_packed

_UNITS = ("B", "kB", "MB", "GB", "TB")


def find_set(name: str) -> Path:
    """The folder of a set: a path, or a name in the data folder or among the book's own.

    Raises BookError that tells where it was looked for.
    """
    places = [Path(name).expanduser(), data_folder() / name, ASSETS / "data" / name]
    for place in places:
        if (place / "manifest.json").is_file():
            return place
    raise BookError(
        f"there are no data called {name!r}: neither {places[0]} nor {places[1]} is a packed image "
        "set (a folder with a manifest.json). `lsgan data list` shows the sets that there are, "
        "`lsgan data` tells how to make others."
    )


def all_sets() -> list[Path]:
    """The folders of the book's own sets and of those in the data folder, by name."""
    found = [path.parent for path in (ASSETS / "data").glob("*/manifest.json")]
    found += [
        path.parent
        for path in data_folder().glob("*/manifest.json")
        if not path.parent.name.startswith(".")
    ]
    return sorted(found, key=lambda folder: folder.name)


def table_of_sets() -> str:
    """A line a set: name, pictures, shape, size on the disk, licence - or what is wrong with it."""
    rows = []
    for folder in all_sets():
        try:
            packed = read_packed(folder)
        except BookError as problem:
            rows.append((folder.name, "", "", "", str(problem)))
            continue
        count, *shape = packed.images.shape
        licence = packed.manifest.get("licence", "unknown")
        rows.append((folder.name, f"{count:,}", _shape(shape), size_on_disk(folder), licence))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *numbers, licence in rows:
        right = (f"{text:>{width}}" for text, width in zip(numbers, widths[1:4], strict=True))
        lines.append("  ".join([f"{name:{widths[0]}}", *right, licence]))
    return "\n".join(lines)


def describe(folder: Path, packed: Packed) -> str:
    """All that the manifest says, for a person."""
    manifest = packed.manifest
    count, *shape = packed.images.shape
    lines = [
        ("folder", str(folder)),
        ("pictures", f"{count:,}, {_shape(shape)}, {size_on_disk(folder)}"),
    ]
    for key in ("source", "licence", "attribution", "framing"):
        if key in manifest:
            lines.append((key, manifest[key]))
    for key in ("options", "tools"):
        if manifest.get(key):
            lines.append((key, ", ".join(f"{k} {v}" for k, v in manifest[key].items())))
    if packed.labels is not None:
        lines.append(("labels", _labels(packed.labels, manifest.get("classes"))))
    if "exact_duplicates" in manifest:
        lines.append(("duplicates", f"{manifest['exact_duplicates']:,} repeat another picture"))
    if "found" in manifest:
        dropped = manifest.get("dropped", [])
        lines.append(("dropped", f"{len(dropped):,} of {manifest['found']:,}"))
        lines.append(("ignored", f"{manifest.get('ignored', 0):,} files that are no pictures"))
        lines += [("", reason) for reason in frequent_reasons(dropped)]
    for name in ("contact_sheet.png", "report.csv"):
        if (folder / name).is_file():
            lines.append((name.split(".")[0].replace("_", " "), str(folder / name)))
    lines.append(("sha256", manifest.get("sha256", "none")))
    width = max(len(key) for key, _ in lines)
    return "\n".join([manifest["name"], *(f"  {key:{width}}  {value}" for key, value in lines)])


def size_on_disk(folder: Path) -> str:
    """Bytes of a folder's files, in a unit that one can read."""
    size = float(sum(path.stat().st_size for path in folder.iterdir() if path.is_file()))
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {_UNITS[unit]}"


def _shape(shape: list[int]) -> str:
    channels, rows, columns = shape
    colour = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
    return f"{rows} x {columns} {colour}"


def _labels(labels: np.ndarray, classes: list[str] | None) -> str:
    counts = np.bincount(labels)
    names = classes or [str(i) for i in range(len(counts))]
    shown = [f"{name} {n:,}" for name, n in zip(names, counts, strict=False)][:20]
    more = f" ... {len(names)} classes" if len(names) > 20 else ""
    return ", ".join(shown) + more
