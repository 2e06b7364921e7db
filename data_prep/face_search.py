"""From a photograph to its face: which of several, and what is refused."""

from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

from data_prep import detectors
from data_prep.detectors import Detector, Face
from data_prep.framing import Square, cut, share_beyond
from data_prep.job import Dropped, Made
from data_prep.pictures import pixels
from lsgan_lib.errors import BookError


@dataclass(frozen=True)
class Search:
    """How faces are looked for, and which are taken."""

    detector: Detector = "mtcnn"
    """mtcnn finds more faces, and their eyes; haar is what older GAN code used"""
    several: Literal["largest", "skip"] = "largest"
    """where a photograph shows several faces: keep the largest, or drop the photograph"""
    smallest: int | None = None
    """width of the smallest face taken, pixels of the photograph; half of --size if not given"""
    margin: float = 0.05
    """added on each side of the detector's box, as a share of the box"""
    beyond: float = 0.3
    """largest share of a crop that may lie outside the photograph; it is filled by mirroring"""
    scale_factor: float = 1.1
    """haar: from one searched width to the next"""
    min_neighbours: int = 5
    """haar: overlapping finds that a face needs"""

    def check(self) -> dict[str, str]:
        """Name the packages used; raises BookError for flags out of range or a missing package."""
        for flag, good, needs in (
            ("smallest", self.smallest is None or self.smallest >= 1, "at least 1"),
            ("margin", -0.5 < self.margin <= 5, "above -0.5 and at most 5"),
            ("beyond", 0 <= self.beyond <= 1, "from 0 to 1"),
            ("scale_factor", self.scale_factor > 1, "above 1"),
            ("min_neighbours", self.min_neighbours >= 0, "at least 0"),
        ):
            if not good:
                name = flag.replace("_", "-")
                raise BookError(f"--{name} is {getattr(self, flag)}, but must be {needs}.")
        return detectors.tools(self.detector)

    def options(self, size: int) -> dict[str, Any]:
        """What of this decides pixels, for the manifest."""
        chosen: dict[str, Any] = {
            "detector": self.detector,
            "several": self.several,
            "smallest": self.least(size),
            "margin": self.margin,
            "beyond": self.beyond,
        }
        if self.detector == "haar":
            chosen |= {"scale_factor": self.scale_factor, "min_neighbours": self.min_neighbours}
        return chosen

    def least(self, size: int) -> int:
        """Width of the smallest face taken: below half the set's side it would be blur."""
        return (size + 1) // 2 if self.smallest is None else self.smallest

    def find(self, image: Image.Image, size: int) -> tuple[Face, str]:
        """Find the face of a photograph, with what the report should say about it.

        Raises Dropped where there is none, only small ones, or several that are not wanted.
        Faces below the smallest width are not counted: people in the background do no harm.
        """
        least = self.least(size)
        found = self._detect(image, max(1, least // 2))  # so that a face too small is seen as such
        if not found:
            raise Dropped("no face found")
        faces = [face for face in found if face.box[2] >= least]
        if not faces:
            widest = max(face.box[2] for face in found)
            raise Dropped(f"face of {int(widest)} px, smaller than {least}")
        if len(faces) == 1:
            return faces[0], ""
        if self.several == "skip":
            raise Dropped(f"{len(faces)} faces")
        return faces[0], f"{len(faces)} faces, kept the largest"

    def crop(self, image: Image.Image, square: Square, size: int, note: str = "") -> Made:
        """Cut the square out; raises Dropped where too much of it lies outside the photograph."""
        share = share_beyond(square, image.size)
        if share > self.beyond:
            raise Dropped(
                f"cut by the edge: {share:.1%} of the crop lies outside, "
                f"more than {self.beyond:.0%}"
            )
        mirrored = f"{share:.0%} mirrored at the edge" if share >= 0.005 else ""
        notes = "; ".join(text for text in (note, mirrored) if text)
        return Made(pixels(cut(image, square, size)), notes)

    def _detect(self, image: Image.Image, smallest: int) -> list[Face]:
        if self.detector == "mtcnn":
            return detectors.mtcnn(image, smallest)
        return detectors.haar(image, smallest, self.scale_factor, self.min_neighbours)
