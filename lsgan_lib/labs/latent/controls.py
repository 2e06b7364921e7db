"""The controls of the latent explorer: each asks for a change of settings, and follows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ipywidgets as widgets

from lsgan_lib.labs.latent import shelf as shelf
from lsgan_lib.labs.latent import state as state
from lsgan_lib.labs.latent.parts import WORDS, WRAP, button, words
from lsgan_lib.labs.latent.space import Space, as_point
from lsgan_lib.labs.latent.state import GROUPS, SLIDERS, STOPS, Settings

Change = Callable[[Settings], Settings]
Do = Callable[[Change, str], None]
"""makes a change of settings, and says a sentence when it is made"""
WIDE = {"width": "340px"}


class Controls:
    """choosing: what stands above the shelf. tabs: title and content of each."""

    def __init__(self, space: Space, do: Do) -> None:
        """do: is handed every change that a reader asks for."""
        self.space, self.do = space, do
        self._following = False
        self.purpose = widgets.ToggleButtons(
            options=[("the walk", "walk"), *((f"group {name}", name) for name in GROUPS)],
            description="A click on a sample takes it into",
            style={**WORDS, "button_width": "84px"},
        )
        self.way = widgets.Dropdown(
            options=[
                ("straight lines (lerp)", "lerp"),
                ("great circles (slerp)", "slerp"),
                ("distribution-preserving", "distribution_preserving"),
            ],
            description="from sample to sample by",
            style=WORDS,
            layout=WIDE,
        )
        self.position = widgets.IntSlider(
            0, 0, STOPS, description="place on the walk", style=WORDS, layout=WIDE
        )
        self.truncation = widgets.FloatSlider(
            1.0, min=0.0, max=1.0, step=0.05, description="truncation: z times", style=WORDS,
            layout=WIDE,
        )  # fmt: skip
        self.moves = [
            widgets.FloatSlider(
                0.0,
                min=-1.0,
                max=1.0,
                step=0.05,
                style={"description_width": "170px"},
                layout={"width": "420px"},
            )  # fmt: skip
            for _ in range(min(SLIDERS, space.z_dim))
        ]
        self.sum = widgets.HTML()

        def add_up() -> None:
            do(space.arithmetic, "The walk now ends at mean A − mean B + mean C.")

        self._listen()
        self.choosing = self._choosing()
        self.tabs = {
            "Walk": widgets.HBox([self.way, self.position, self.truncation], layout=WRAP),
            "Directions": self._directions(),
            "Arithmetic": widgets.HBox(
                [self.sum, button("Walk to A − B + C", add_up)], layout=WRAP
            ),
        }

    def _choosing(self) -> widgets.HBox:
        def keep(s: Settings) -> Settings:
            return shelf.kept(s, as_point(self.space.noise(s)))

        fresh = "Other samples are drawn, and the walk leads through the first of them."
        return widgets.HBox(
            [
                self.purpose,
                self._button("Draw other samples", shelf.redrawn, fresh),
                self._button("Keep this picture", keep, "It is kept, as the last on the shelf."),
                self._button("Forget kept ones", shelf.forgotten, "Nothing is kept any more."),
            ],
            layout=WRAP,
        )

    def _button(self, text: str, change: Change, said: str) -> widgets.Button:
        return button(text, lambda: self.do(change, said))

    def _directions(self) -> widgets.VBox:
        def all_back(s: Settings) -> Settings:
            return replace(s, moves=state.STILL)

        find = self._button(
            "Find the directions of this place",
            self.space.find_directions,
            "In these directions the picture changes most; the first one is on the strip.",
        )
        back = self._button("All back to 0", all_back, "No direction is moved along now.")
        return widgets.VBox(
            [widgets.HBox([find, back], layout=WRAP), widgets.HBox(self.moves, layout=WRAP)]
        )

    def _listen(self) -> None:
        """Hand every change that a reader makes on, and none that `follow` makes.

        The values go on as they came, not rounded: `follow` would send a rounded one back to the
        page, where meanwhile the reader may have moved the slider further.
        """

        def listen(control: widgets.Widget, change_to: Callable[[Any], Change]) -> None:
            def hear(change: dict) -> None:
                if not self._following:
                    self.do(change_to(change["new"]), "")

            control.observe(hear, "value")

        listen(self.purpose, lambda new: lambda s: replace(s, purpose=new))
        listen(self.way, lambda new: lambda s: state.by_way(s, new))
        listen(self.position, lambda new: lambda s: state.to_stop(s, new))
        listen(self.truncation, lambda new: lambda s: state.truncated(s, new))
        for k, slider in enumerate(self.moves):
            listen(slider, self._push(k))

    def _push(self, k: int) -> Callable[[float], Change]:
        """What the slider of direction k asks for."""
        return lambda new: lambda s: self.space.move(s, k, new)

    def follow(self, s: Settings, before: Settings | None = None) -> None:
        """Stand where the settings say; of what is as before, nothing is touched.

        JupyterLab may hand over the events of two controls in two threads. A control whose own
        event still waits must not be set back to what it was.
        """
        self._following = True
        try:
            for control, name, value in self._wanted(s):
                if before is None or (control, name, value) not in self._wanted(before):
                    setattr(control, name, value)
        finally:
            self._following = False

    def _wanted(self, s: Settings) -> list[tuple[widgets.Widget, str, Any]]:
        """What each control shows for some settings, in the order in which it is to be set."""
        counts = [
            f"mean of {name} ({len(group)} sample{'s' * (len(group) != 1)})"
            for name, group in zip(GROUPS, s.groups, strict=True)
        ]
        wanted = [
            (self.purpose, "value", s.purpose),
            (self.way, "value", s.way),
            (self.position, "max", s.last),  # before the value, which must not be above
            (self.position, "value", s.stop),
            (self.truncation, "value", s.truncation),
            (self.sum, "value", words(f"{counts[0]} − {counts[1]} + {counts[2]}")),
        ]
        for k, slider in enumerate(self.moves):
            known = f", strength {s.strengths[k]:.3g}" if s.strengths else ""
            wanted.append((slider, "description", f"direction {k + 1}{known}"))
            wanted.append((slider, "value", s.moves[k]))
        return wanted
