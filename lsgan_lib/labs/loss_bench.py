"""The loss bench: an objective on sliders, its slopes, and where it pulls a batch. Chapter 02."""

from __future__ import annotations

import functools
import html
from dataclasses import replace
from typing import Any, get_args, get_type_hints

import ipywidgets as widgets

from lsgan_lib.figures import DOTS_PER_INCH
from lsgan_lib.labs.bench.batch import words
from lsgan_lib.labs.bench.curves import FAMILIES, PAIRED, SQUEEZED, BenchSettings
from lsgan_lib.labs.bench.picture import BenchPicture, strip
from lsgan_lib.labs.lab import Lab

SLIDERS: dict[str, tuple[str, float, float, float]] = {
    # field of BenchSettings: description, lowest, highest, step
    "a": ("a: target for generated", -3, 3, 0.1),
    "b": ("b: target for real", -3, 3, 0.1),
    "c": ("c: the generator's aim", -3, 3, 0.1),
    "slope": ("slope of the cost", -1, 1, 0.05),
    "alpha": ("α: depth of the cost", 0, 1, 0.05),
    "margin": ("margin of a pair", 0, 4, 0.1),
    "share": ("share of real at a place", 0.05, 0.95, 0.05),
    "size": ("step size", 0.1, 2, 0.1),
    "steps": ("steps", 1, 20, 1),
}
ONLY_FOR: dict[str, tuple[str, ...]] = {
    "a": ("least squares",),
    "b": ("least squares",),
    "c": ("least squares",),
    "slope": ("LS-GAN, leaky",),
    "alpha": ("LS-GAN, ELU",),
    "margin": PAIRED,
    "critic": SQUEEZED,
}
"""controls that some families have no use for"""
CODINGS = ((0.0, 1.0, 1.0), (-1.0, 1.0, 0.0))
"""the two of Mao et al."""
NAMED = {"style": {"description_width": "initial"}}


class LossBench(Lab):
    """Losses and slopes by score, and what they do to a batch; see `BenchSettings`."""

    sentence = "Loss bench: an objective, its slopes and where it pulls a batch, under sliders"

    def __init__(self, settings: BenchSettings | None = None) -> None:
        settings = settings or BenchSettings()
        self._page = BenchPicture()
        # Pictures are kept for the way back; 64 of them are six megabytes.
        self._look_up = functools.lru_cache(maxsize=64)(self._page.png)
        critics = get_args(get_type_hints(BenchSettings)["critic"])
        self._parts: dict[str, Any] = {
            "family": widgets.Dropdown(options=FAMILIES, description="objective", **NAMED),
            "critic": widgets.Dropdown(
                options=critics, description="critic over the plane", **NAMED
            ),
            **{name: _slider(name) for name in SLIDERS},
        }
        self.image = widgets.Image(
            format="png",
            width=str(round(9 * DOTS_PER_INCH)),
            layout={"max_width": "100%", "height": "auto"},
        )
        self._status = widgets.HTML()
        self._codings = [
            widgets.Button(description=_written(coding), layout={"width": "auto"})
            for coding in CODINGS
        ]
        self._busy = False
        self._take(settings)
        for part in self._parts.values():
            part.observe(self._paint, "value")
        for button, (a, b, c) in zip(self._codings, CODINGS, strict=True):
            button.on_click(
                lambda _button, a=a, b=b, c=c: self._take(
                    replace(self.settings, family="least squares", a=a, b=b, c=c)
                )
            )
        parts = self._parts
        rows: list[list[widgets.Widget]] = [
            [parts["family"], *self._codings],
            [parts[name] for name in ("a", "b", "c", "slope", "alpha", "margin", "share")],
            [parts[name] for name in ("size", "steps", "critic")],
        ]
        wrap = {"flex_flow": "row wrap"}
        self.box = widgets.VBox(
            [*(widgets.HBox(row, layout=wrap) for row in rows), self.image, self._status]
        )

    @property
    def settings(self) -> BenchSettings:
        """Where the controls stand, those out of sight among them."""
        values = {name: part.value for name, part in self._parts.items()}
        tidy: dict[str, Any] = {
            name: round(value, 2) if isinstance(value, float) else value
            for name, value in values.items()
        }
        return BenchSettings(**tidy)

    def picture(self, settings: BenchSettings) -> bytes:
        """The PNG file of some settings."""
        return self._look_up(settings)

    def strip(self) -> None:
        """Show the slopes of four objectives, and under them the pull of two on two critics."""
        strip()

    def _take(self, settings: BenchSettings) -> None:
        """Move all controls, and paint once."""
        self._busy = True
        try:
            for name, part in self._parts.items():
                part.value = getattr(settings, name)
        finally:
            self._busy = False
        self._paint()

    def _paint(self, _change: object = None) -> None:
        if self._busy:
            return
        settings = self.settings
        for name, families in ONLY_FOR.items():
            here = settings.family in families
            self._parts[name].layout.display = None if here else "none"
        self.image.value = self.picture(settings)
        colour = "color: var(--jp-ui-font-color1, inherit)"
        said = html.escape(words(settings))
        self._status.value = f'<div role="status" style="{colour}">{said}</div>'


def _slider(name: str) -> widgets.Widget:
    """The slider of one field; its own text shows two decimals."""
    description, low, high, step = SLIDERS[name]
    kind = widgets.IntSlider if name == "steps" else widgets.FloatSlider
    return kind(
        min=low, max=high, step=step, description=description,
        continuous_update=True, layout={"width": "370px"}, **NAMED,
    )  # fmt: skip


def _written(coding: tuple[float, float, float]) -> str:
    return "(a, b, c) = ({:g}, {:g}, {:g})".format(*coding).replace("-", "−")
