"""One slider, one picture: the part that every lab of the book is made of.

The slider repaints an ``Image`` widget. Output that is captured by a widget (``interact``,
``Output``) would be invisible to the test that compares a chapter with what it printed.
"""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
from IPython.display import display

OUT_OF_SIGHT = (
    "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)"
)

# ipywidgets marks what no kernel listens to any more, with an icon that says nothing of what to do.
WITHOUT_KERNEL = """<style>
.lsgan-live.jupyter-widgets-disconnected::after {
  content: "The kernel of this lab is gone. Run its cell again; after a restart, first the cells"
           " that it needs: Run > Run All Above Selected Cell.";
  order: -1; padding: 6px 0; white-space: normal; color: var(--jp-ui-font-color1, inherit);
}
</style>"""


def repaint(
    picture: Callable[[Any], bytes],
    name: str,
    values: Sequence[Any],
    *,
    labels: Sequence[str] | None = None,
    start: int = 0,
    width: int = 400,
) -> tuple[widgets.SelectionSlider, widgets.Image]:
    """Show a slider over ``values`` and under it the picture of the value it stands at.

    picture: makes the PNG file of one value. name: what the slider moves, in words.
    labels: how each value is written beside the slider. start: index of the first value shown.
    width: of the picture on the page, in pixels.

    The slider takes the focus with Tab and moves with the arrow keys. Returns slider and image.
    """
    labels = list(labels) if labels else [str(value) for value in values]
    slider = _slider(name, labels, start, width)
    image, status = _follow(
        [slider],
        lambda index: picture(values[index]),
        lambda index: f"{name} = {labels[index]}",
        width,
    )
    box = widgets.VBox([slider, image, status])
    show_live(box, f"Slider: {name} from {labels[0]} to {labels[-1]}")
    return slider, image


def repaint_plane(
    picture: Callable[[Any, Any], bytes],
    names: tuple[str, str],
    values: Sequence[float],
    *,
    width: int = 400,
) -> tuple[widgets.SelectionSlider, widgets.SelectionSlider, widgets.Image]:
    """Show two sliders over the same values, from the middle one on, and the picture of the pair.

    picture: makes the PNG file of a pair of values. The rest as in `repaint`.
    """
    labels = [label(value) for value in values]
    sliders = [_slider(name, labels, len(values) // 2, width) for name in names]
    image, status = _follow(
        sliders,
        lambda i, j: picture(values[i], values[j]),
        lambda i, j: f"{names[0]} = {labels[i]}, {names[1]} = {labels[j]}",
        width,
    )
    span = f"from {labels[0]} to {labels[-1]}"
    box = widgets.VBox([*sliders, image, status])
    show_live(box, f"Two sliders: {names[0]} {span} and {names[1]} {span}")
    return sliders[0], sliders[1], image


def _slider(name: str, labels: Sequence[str], start: int, width: int) -> widgets.SelectionSlider:
    """Make a slider over indices, so that values which compare oddly (arrays) do no harm."""
    return widgets.SelectionSlider(
        options=[(text, index) for index, text in enumerate(labels)],
        value=start,
        description=name,
        continuous_update=True,
        style={"description_width": "initial"},
        layout={"width": f"min({max(width, 320)}px, 98%)"},
    )


def _follow(
    sliders: Sequence[widgets.SelectionSlider],
    picture: Callable[..., bytes],
    words: Callable[..., str],
    width: int,
) -> tuple[widgets.Image, widgets.HTML]:
    """Make an image that shows the picture of where the sliders stand, now and after each move.

    The image widget has no text for those who do not see it. So a line goes with it that only a
    screen reader reads out; words says where the sliders stand.
    """
    # Pictures are kept for the way back; 256 of them are a few megabytes.
    look_up = functools.lru_cache(maxsize=256)(picture)
    # No tooltip: with one, ipywidgets 8.1 shows a JavaScript error in place of the picture.
    # In a narrow window the picture shrinks instead of being cut off.
    image = widgets.Image(format="png", width=str(width), layout={"max_width": "100%"})
    status = widgets.HTML()

    def paint(_change: object = None) -> None:
        place = [slider.value for slider in sliders]
        image.value = look_up(*place)
        said = html.escape(words(*place))
        status.value = f'<div role="status" style="{OUT_OF_SIGHT}">{said}</div>'

    for slider in sliders:
        slider.observe(paint, names="value")
    paint()
    return image, status


def label(value: Any) -> str:
    """Write a value as short as it can be read, with a true minus sign."""
    return value if isinstance(value, str) else f"{value:g}".replace("-", "−")


def show_live(box: widgets.Box, sentence: str) -> None:
    """Show a box of widgets; where no kernel runs, as on GitHub, a sentence stands in its place.

    Where the kernel ends while the page stands, the box says how to get it back. A widget's own
    text lists the first bytes of its picture, which differ from machine to machine.
    """
    if "lsgan-live" not in box._dom_classes:
        box.add_class("lsgan-live")
        box.children = (*box.children, widgets.HTML(WITHOUT_KERNEL, layout={"display": "none"}))
    bundle = dict(box._repr_mimebundle_())
    bundle["text/plain"] = f"[{sentence}. Run the notebook to move it.]"
    display(bundle, raw=True)
