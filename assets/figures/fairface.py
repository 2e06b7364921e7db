"""Draws and records what the appendix shows of FairFace: python assets/figures/fairface.py FOLDER.

FOLDER holds the 240 photographs, 000.jpg to 239.jpg, of 224 x 224 pixels. Written are
    assets/data/fairface_24.jpg     24 photographs in rows of 6, to be cut apart again
    assets/data/fairface_24.json    where they come from, their licence, and what was changed
    assets/data/fairface_240.json   what `lsgan data faces` kept and dropped of all 240, three ways
    assets/figures/fairface_faces.png   100 of the faces that it made
FairFace: Karkkainen and Joo, WACV 2021, CC BY 4.0.
"""

import argparse
import csv
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from data_prep import detectors
from data_prep.contact_sheet import contact_sheet
from data_prep.face_search import Search
from data_prep.faces import Faces
from data_prep.framing import around_eyes, cut
from data_prep.pack import pack
from lsgan_lib.files import read_json, write_json
from lsgan_lib.folders import ASSETS
from lsgan_lib.packed import read_packed

CREDIT = "FairFace, Karkkainen & Joo, WACV 2021, CC BY 4.0"
SIDE, COLUMNS = 224, 6
# Frontal adults and unremarkable photographs. Among them 27, 31, 33, 44, 83, 144 and 226, which
# Haar misses, 172, which mtcnn misses as well, 19, 33 and 226, whose foreheads are cut by the edge,
# and 102, whose head leans.
CHOSEN = (2, 3, 14, 19, 22, 24, 27, 29, 31, 33, 44, 57)
CHOSEN += (83, 102, 105, 113, 116, 127, 130, 144, 150, 172, 218, 226)
# Left out of the sheet of faces: who may be a child, who is masked or painted or covers the face,
# and a film star's portrait.
NOT_SHOWN = {18, 38, 43, 45, 47, 53, 56, 58, 73, 78, 89, 99, 108, 115, 121, 128, 132, 141, 146, 154}
NOT_SHOWN |= {156, 158, 159, 160, 168, 179, 182, 191, 193, 199, 200, 201, 213, 222, 227, 236, 238}
COMMAND = "lsgan data faces --from FOLDER"
CALLS = {  # as it is typed after COMMAND -> how faces are looked for
    "": Search(),
    "--detector haar": Search(detector="haar"),
    "--detector haar --scale-factor 5": Search(detector="haar", scale_factor=5.0),
}


def mosaic(folder: Path) -> Image.Image:
    """The chosen photographs in rows, untouched."""
    page = Image.new("RGB", (COLUMNS * SIDE, len(CHOSEN) // COLUMNS * SIDE))
    for place, number in enumerate(CHOSEN):
        with Image.open(folder / f"{number:03d}.jpg") as photograph:
            page.paste(photograph, (place % COLUMNS * SIDE, place // COLUMNS * SIDE))
    return page


def outcome(manifest: dict[str, Any], rows: list[dict[str, str]], flags: str) -> dict[str, Any]:
    """What became of the photographs: counts, and reasons without the numbers of one picture."""
    reasons = Counter(one["reason"].split(":")[0] for one in manifest["dropped"])
    return {
        "command": f"{COMMAND} {flags}".rstrip(),
        "found": manifest["found"],
        "kept": manifest["count"],
        "dropped": dict(reasons.most_common()),
        "kept_with_mirrored_edge": sum(
            row["outcome"] == "kept" and "mirrored" in row["note"] for row in rows
        ),
        "framing": manifest["framing"],
        "tools": manifest["tools"],
    }


def like_celeba(photograph: Image.Image) -> Image.Image | None:
    """The photograph as an aligned CelebA picture, grey where it ends; None without a face."""
    border = SIDE
    faces = detectors.mtcnn(photograph, SIDE // 7)
    if not faces or faces[0].eyes is None:
        return None
    (x1, y1), (x2, y2) = faces[0].eyes
    window = around_eyes(((x1 + border, y1 + border), (x2 + border, y2 + border)))
    # 248 = 2 * 124: CelebA's first row is as far above the window's middle as this square's is.
    square = replace(window, side=window.side * 248 / 120)
    padded = ImageOps.expand(photograph, border, (128, 128, 128))
    return cut(padded, square, 248).crop((35, 0, 213, 218))


def reframed(folder: Path) -> dict[str, Any]:
    """How many faces the two scale factors find where the geometry is CelebA's."""
    found: dict[str, list[float]] = {"1.1": [], "5": []}
    pictures = 0
    for path in sorted(folder.glob("*.jpg")):
        with Image.open(path) as photograph:
            aligned = like_celeba(photograph.convert("RGB"))
        if aligned is None:
            continue
        pictures += 1
        for factor, widths in found.items():
            widths += [face.box[2] for face in detectors.haar(aligned, 24, float(factor))[:1]]
    return {
        "pictures": pictures,
        "geometry": "178 x 218, the eyes where CelebA's are, grey beyond the photograph",
        "scale_factors": {
            factor: {"found": len(widths), "narrowest": min(widths), "widest": max(widths)}
            for factor, widths in found.items()
        },
    }


def sheet(images: np.ndarray, rows: list[dict[str, str]]) -> Image.Image:
    """A hundred faces, evenly spread over those that may be shown, and who took the photographs."""
    kept = [row for row in rows if row["outcome"] == "kept"]
    shown = [int(row["index"]) for row in kept if int(Path(row["file"]).stem) not in NOT_SHOWN]
    chosen = np.asarray(shown)[np.linspace(0, len(shown) - 1, 100).round().astype(int)]
    with tempfile.TemporaryFile() as file:
        file.write(contact_sheet(images[chosen], columns=20))
        faces = Image.open(file).convert("RGB")
    page = Image.new("RGB", (faces.width, faces.height + 22), "white")
    page.paste(faces)
    ImageDraw.Draw(page).text(
        (page.width - 2, page.height - 4),
        f"photographs: {CREDIT}; turned, cropped and reduced",
        fill="#7F7F7F",
        anchor="rs",
        font=ImageFont.load_default(13),
    )
    return page


def main() -> None:
    """Write the four files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the 240 photographs")
    folder = parser.parse_args().folder
    data, figures = ASSETS / "data", ASSETS / "figures"
    # 4:4:4, so that the colours of one photograph do not run into the next
    mosaic(folder).save(data / "fairface_24.jpg", quality=90, subsampling=0, optimize=True)
    write_json(
        data / "fairface_24.json",
        {
            "source": "FairFace: Karkkainen and Joo, FairFace: Face Attribute Dataset for Balanced "
            "Race, Gender, and Age for Bias Measurement and Mitigation, WACV 2021",
            "licence": "CC BY 4.0",
            "attribution": CREDIT,
            "changes": "put into one picture, encoded again as JPEG of quality 90; not cropped",
            "side": SIDE,
            "columns": COLUMNS,
            "photographs": [f"{number:03d}" for number in CHOSEN],
        },
    )
    outcomes = []
    with tempfile.TemporaryDirectory() as parts:
        for flags, search in CALLS.items():
            out = Path(parts) / str(len(outcomes))
            pack(Faces(folder, search=search).job(), out, workers=1, progress=False)
            with open(out / "report.csv", encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            outcomes.append(outcome(read_json(out / "manifest.json"), rows, flags))
            if not flags:
                page = sheet(read_packed(out).images, rows)
                page.quantize(256).save(figures / "fairface_faces.png", optimize=True)
    write_json(
        data / "fairface_240.json",
        {"photographs": "240 of FairFace, 224 x 224 pixels, the version with the narrow margin"}
        | {"attribution": CREDIT, "calls": outcomes, "reframed": reframed(folder)},
    )


if __name__ == "__main__":
    main()
