"""A face drawn with ellipses, which both detectors take for one: no photograph is needed."""

import math

from PIL import Image, ImageDraw, ImageFilter

Point = tuple[float, float]

# x, y, half width, half height, colour; the middle between the eyes is (0, 0).
PARTS = [(0, -8, 62, 80, (60, 40, 30)), (0, 8, 52, 68, (224, 180, 150))]
for eye in (-22, 22):
    PARTS += [
        (eye, -2, 15, 9, (190, 140, 115)),
        (eye, 0, 10, 5, (250, 250, 250)),
        (eye, 0, 5, 5, (40, 30, 20)),
        (eye, -14, 14, 3, (70, 45, 35)),
    ]
PARTS += [
    (-4, 20, 3, 14, (205, 160, 130)),
    (4, 20, 3, 14, (240, 200, 170)),
    (-6, 32, 4, 3, (150, 100, 80)),
    (6, 32, 4, 3, (150, 100, 80)),
    (0, 48, 20, 6, (180, 80, 80)),
    (0, 48, 16, 1.5, (110, 40, 40)),
]


def blank(width: int = 300, height: int = 300) -> Image.Image:
    return Image.new("RGB", (width, height), (120, 140, 160))


def with_face(
    image: Image.Image, middle: Point = (150, 150), scale: float = 1.0, turned: float = 0.0
) -> Image.Image:
    """The image with a face on it: about 100 * scale pixels wide, turned by so many radians."""
    fine = 4
    large = image.resize((image.width * fine, image.height * fine))
    draw = ImageDraw.Draw(large)
    for x, y, half_width, half_height, colour in PARTS:
        outline = []
        for step in range(60):
            angle = step / 60 * 2 * math.pi
            right, down = x + half_width * math.cos(angle), y + half_height * math.sin(angle)
            px, py = place((right, down), middle, scale, turned)
            outline.append((px * fine, py * fine))
        draw.polygon(outline, fill=colour)
    return large.resize(image.size, Image.Resampling.BOX).filter(
        ImageFilter.GaussianBlur(1.2 * scale)
    )


def place(point: Point, middle: Point, scale: float, turned: float) -> Point:
    cos, sin = math.cos(turned), math.sin(turned)
    return (
        middle[0] + scale * (cos * point[0] - sin * point[1]),
        middle[1] + scale * (sin * point[0] + cos * point[1]),
    )
