"""From finished pieces to a set: pixels, labels, report, contact sheet, manifest - streaming.

No more than a piece of the pixels is in memory at any time.
"""

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.contact_sheet import contact_sheet
from data_prep.job import Job
from data_prep.pieces import as_text, pixels_of, rows_of
from lsgan_lib.errors import BookError
from lsgan_lib.files import atomic, write_json
from lsgan_lib.packed import FORMAT, checksum, frequent_reasons, label_type

_FACTS = ("source", "licence", "attribution", "framing", "options", "tools")
_NAMED = 50  # dropped files that --strict names on the screen


def assemble(job: Job, part: Path, folder: Path, identity: str, strict: bool) -> None:
    """Put the pieces in `part` together as a set in the new folder `folder`.

    identity: of the job, for the manifest. Raises BookError when nothing was kept, or strict and
    something was dropped.
    """
    dropped = [
        {"file": row["file"], "reason": row["reason"]}
        for row in rows_of(job, part)
        if row["reason"]
    ]
    count = len(job.items) - len(dropped)
    dropped += refusals(job)
    found = len(job.items) + len(job.refused)
    if strict and dropped:
        listed = "\n".join(f"  {row['file']}: {row['reason']}" for row in dropped[:_NAMED])
        more = f"\n  ... and {len(dropped) - _NAMED} more" if len(dropped) > _NAMED else ""
        raise BookError(
            f"--strict, and {len(dropped)} of {found} pictures cannot be used, so no set was made:"
            f"\n{listed}{more}"
        )
    if count == 0:
        reasons = "; ".join(frequent_reasons(dropped))
        raise BookError(f"{job.name}: no picture could be kept. {reasons}")
    folder.mkdir()
    sha256, duplicates, sheet = _write_images(job, part, folder, count)
    with atomic(folder / "contact_sheet.png") as file:
        file.write(contact_sheet(sheet))
    labels = _write_labels(job, part, folder)
    _write_report(job, part, folder)
    write_json(
        folder / "manifest.json",
        {
            "format": FORMAT,
            "name": as_text(job.name),
            "count": count,
            "shape": [count, *job.shape],
            **{fact: job.facts[fact] for fact in _FACTS if fact in job.facts},
            **labels,
            "sha256": sha256,
            "exact_duplicates": duplicates,
            "found": found,
            "ignored": len(job.ignored),
            "dropped": dropped,
            "job": identity,
        },
    )


def refusals(job: Job) -> list[dict[str, str]]:
    """What was refused while listing, as rows of the manifest's list of dropped files."""
    return [{"file": as_text(name), "reason": as_text(why)} for name, why in job.refused]


def _write_images(job: Job, part: Path, folder: Path, count: int) -> tuple[str, int, np.ndarray]:
    """images.npy; returns its checksum, how many pictures repeat another, and a hundred of them."""
    digest, seen = hashlib.sha256(), set[bytes]()
    wanted = set(np.linspace(0, count - 1, min(100, count)).round().astype(int).tolist())
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *job.shape)}
    sheet, written = [], 0
    with atomic(folder / "images.npy") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for pixels in pixels_of(job, part):
            for picture in pixels:
                seen.add(hashlib.blake2b(picture.tobytes(), digest_size=12).digest())
                if written in wanted:
                    sheet.append(picture)
                written += 1
            digest.update(pixels.tobytes())
            file.write(pixels.tobytes())
    return digest.hexdigest(), count - len(seen), np.stack(sheet)


def _write_labels(job: Job, part: Path, folder: Path) -> dict[str, Any]:
    """labels.npy, where items have labels; returns what the manifest says of them."""
    if job.classes is None:
        return {}
    kept = [
        item.label
        for item, row in zip(job.items, rows_of(job, part), strict=True)
        if not row["reason"]
    ]
    labels = np.array(kept, dtype=label_type(len(job.classes)))
    with atomic(folder / "labels.npy") as file:
        np.save(file, labels)
    return {"classes": [as_text(name) for name in job.classes], "labels_sha256": checksum(labels)}


def _write_report(job: Job, part: Path, folder: Path) -> None:
    """report.csv: one row a file that was met, and what became of it."""
    with atomic(folder / "report.csv") as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["file", "outcome", "index", "note"])
        index = 0
        for row in rows_of(job, part):
            if row["reason"]:
                table.writerow([row["file"], "dropped", "", row["reason"]])
            else:
                table.writerow([row["file"], "kept", index, row["note"]])
                index += 1
        for refused in refusals(job):
            table.writerow([refused["file"], "dropped", "", refused["reason"]])
        for name in job.ignored:
            table.writerow([as_text(name), "ignored", "", "not a picture"])
        text.flush()
        text.detach()  # `atomic` closes the file
