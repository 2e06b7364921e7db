"""Draws the six views of `lsgan_lib.six_views` fast enough for a film: a few milliseconds a frame.

What is painted, and with what, stands in `raster`. No widgets here.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from lsgan_lib.evaluation.views import Views
from lsgan_lib.labs.live.game import LiveGame
from lsgan_lib.labs.live.raster import (
    BLACK,
    COLOURS,
    EDGE,
    FAKE,
    GUIDE,
    HEAT,
    PALE,
    REAL,
    SIDE,
    TINT,
    dots,
    fitting,
    lines_over_turns,
    pixels,
    write,
)
from lsgan_lib.labs.live.state import CELLS, SPAN, LiveState
from lsgan_lib.labs.live.text import headline

GAP = 20  # pixels between two panels
TEXT = {1: 26, 2: 38}  # height of letters: a picture of two games is shown smaller
_RUNS = 3  # zlib's Z_RLE: quicker, and the file no larger
TITLES = ("points", "critic", "generator's grid", "pushes", "losses", "JS divergence")
COLUMNS = {1: 3, 2: 6}  # panels in a row, for so many games


def frame(games: Sequence[LiveGame], cursor: tuple[int, int] | None = None) -> bytes:
    """The PNG file of one game, three panels by two, or of two, a row of six panels each.

    cursor: the place at which the next point of a drawing would come, to be marked.
    """
    page, text = _page(tuple(game.state for game in games)).copy(), TEXT[len(games)]
    for number, game in enumerate(games):
        said = f"{game.played:,} turns    {game.trainer.shown:,} points shown"
        divergence = game.curves()["divergence"][-1]
        said += "" if np.isnan(divergence) else f"    JS {divergence:.3f}"
        write(page, said, page.shape[1] - GAP, _head(len(games), number), text, right=True)
        for place, panel in enumerate(_panels(game, cursor, text)):
            left, top = corner(len(games), number, place)
            page[top : top + SIDE, left : left + SIDE] = panel
    image = Image.fromarray(page)
    image.putpalette(COLOURS)
    file = io.BytesIO()
    image.save(file, format="png", compress_level=1, compress_type=_RUNS)
    return file.getvalue()


def size(games: int) -> tuple[int, int]:
    """Width and height of the picture of so many games, in pixels of the file."""
    return COLUMNS[games] * (SIDE + GAP) + GAP, _head(games, games) - 6 + GAP


def corner(games: int, number: int, place: int) -> tuple[int, int]:
    """Left upper pixel of a panel: of which game, which of the six."""
    row, column = divmod(place, COLUMNS[games])
    title = TEXT[games] + 12
    top = _head(games, number) + TEXT[games] + 16 + row * (title + SIDE) + title
    return GAP + column * (SIDE + GAP), top


def _head(games: int, number: int) -> int:
    """Where the line above all panels of a game begins, or the next one would."""
    text = TEXT[games]
    return number * (text + 22 + 6 // COLUMNS[games] * (text + 12 + SIDE)) + 6


def place_at(games: int, x: float, y: float) -> tuple[int, int] | None:
    """Which of the places of a drawing lies there; None outside of the panels with the points.

    x, y: as the events of `Pad` give them, from the left and from the top, 0 to 1.
    """
    width, height = size(games)
    for number in range(games):
        left, top = corner(games, number, 0)
        across, down = (x * width - left) / SIDE, (y * height - top) / SIDE
        if 0 <= across < 1 and 0 <= down < 1:
            return int(across * CELLS), int((1 - down) * CELLS) - (down == 0)
    return None


@functools.lru_cache(maxsize=8)
def _page(states: tuple[LiveState, ...]) -> np.ndarray:
    """What does not change from frame to frame: titles and edges."""
    width, height = size(len(states))
    page = np.zeros((height, width), dtype=np.uint8)
    text, head = TEXT[len(states)], [_head(len(states), n) for n in range(len(states))]
    for number, state in enumerate(states):
        words = fitting(headline(state), text, width - 24 * text)
        write(page, words, GAP, head[number], text)
        low = state.objective == "loss-sensitive"
        for place, title in enumerate(TITLES):
            left, top = corner(len(states), number, place)
            title += (": dark is real" if low else ": light is real") * (place == 1)
            write(page, title, left, top - text - 8, text)
    return page


def _panels(game: LiveGame, cursor: tuple[int, int] | None, text: int) -> list[np.ndarray]:
    """The six pictures, (SIDE, SIDE) each, with letters of that height."""
    views, curves = game.look(), game.curves()
    points = np.zeros((SIDE, SIDE), dtype=np.uint8)
    dots(points, game.real, PALE, 4)
    if views is None:
        blank = [points, *(np.zeros_like(points) for _ in range(3))]
        write(blank[1], "not finite", 20, 20, text)
    else:
        critic = _heat(views)
        pushes = critic.copy()
        dots(points, views.fake.numpy(), FAKE, 4)
        dots(critic, game.real[:150], REAL, 4)
        dots(pushes, views.push_at.numpy(), FAKE, 5)
        outside = (abs(views.fake) > SPAN).any(dim=1).float().mean().item()
        if outside > 0.01:
            write(points, f"{outside:.0%} outside", 10, SIDE - text - 6, text)
        blank = [points, critic, _lattice(views, game.real[:150]), _pushes(pushes, views)]
    if cursor is not None and game.state.data == "drawn":
        x, y = (np.array(cursor) + 0.5) * SIDE / CELLS
        across, down = int(x), SIDE - 1 - int(y)
        points[down, max(across - 14, 0) : across + 15] = GUIDE
        points[max(down - 14, 0) : down + 15, across] = GUIDE
    both = {name: (curves[f"{name}_loss"], colour)
            for name, colour in (("critic", BLACK), ("generator", FAKE))}  # fmt: skip
    blank.append(lines_over_turns(curves["turn"], both, game.played, text))
    js = {"": (curves["divergence"], BLACK)}
    top = float(np.log(2))
    blank.append(lines_over_turns(curves["turn"], js, game.played, text, (0.0, top)))
    for panel in blank:
        panel[[0, -1]] = panel[:, [0, -1]] = EDGE
    return blank


def _heat(views: Views) -> np.ndarray:
    """The critic in twelve greys, which span the scores that points really get."""
    low, high = views.usual_scores
    shade = ((views.scores.numpy() - low) / max(high - low, 1e-12)).clip(0, 1)
    smooth = Image.fromarray(shade.astype(np.float32)).resize(
        (SIDE, SIDE), Image.Resampling.BILINEAR
    )
    return np.asarray((np.asarray(smooth)[::-1] * 11.99).astype(np.uint8) + HEAT)


def _lattice(views: Views, real: np.ndarray) -> np.ndarray:
    """Where the generator puts a square grid of noise, the darker the denser."""
    picture = Image.new("P", (SIDE, SIDE))
    draw, nodes = ImageDraw.Draw(picture), pixels(views.lattice.numpy())
    thick = views.thickness.numpy()
    tint = (15 / (1 + 1.25 / np.maximum(thick, 1e-9))).astype(int) + TINT  # 15 where infinite
    for i, j in np.ndindex(tint.shape):
        corners = (nodes[i, j], nodes[i + 1, j], nodes[i + 1, j + 1], nodes[i, j + 1])
        draw.polygon(np.concatenate(corners).tolist(), fill=int(tint[i, j]))
    for line in (*nodes, *nodes.swapaxes(0, 1)):
        draw.line(line.flatten().tolist(), fill=FAKE, width=2)
    panel = np.array(picture)
    dots(panel, real, PALE, 3)
    return panel


def _pushes(panel: np.ndarray, views: Views) -> np.ndarray:
    """Arrows along the pushes; nine of ten are shorter than a twelfth of the panel."""
    picture = Image.fromarray(panel)
    draw = ImageDraw.Draw(picture)
    start, push = pixels(views.push_at.numpy()), views.push.numpy() * (1, -1)
    length = np.hypot(*push.T)
    usual = max(float(np.quantile(length, 0.9)), 1e-30)
    way = push / np.maximum(length, 1e-30)[:, None]
    way = way * np.minimum(length / usual * SIDE / 12, SIDE / 8)[:, None]
    for (x, y), (dx, dy) in zip(start.tolist(), way.tolist(), strict=True):
        tip = x + dx, y + dy
        draw.line([x, y, *tip], width=3, fill=BLACK)
        for side in (-0.18, 0.18):
            draw.line([*tip, tip[0] - 0.3 * dx + side * dy, tip[1] - 0.3 * dy - side * dx],
                      width=3, fill=BLACK)  # fmt: skip
    return np.array(picture)
