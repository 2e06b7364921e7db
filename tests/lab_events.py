"""Random events on a lab, as a browser would send them, and what must hold after each of them.

    lab = LossBench()
    press_at_random(lab, 1_000, seed=0)          # a thousand events in a row, each followed by ...
    assert_sound(lab)                            # ... this

or, where hypothesis is to choose and to shrink,

    @given(st.data())
    def test_...(data):
        lab = LossBench()
        assert_sound(lab)                        # the first call notes what there is before
        for _ in range(50):
            apply(lab, draw_event(data, lab))    # or data.draw(events(lab))
            assert_sound(lab)

Exceptions are never swallowed here. ipywidgets itself would: what a button's listener raises is
only logged, so `apply` calls the listeners of buttons and pads itself.
"""

import gc
import io
import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

import ipywidgets as widgets
import matplotlib.pyplot as plt
from hypothesis import strategies as st
from PIL import Image

from lsgan_lib.labs.lab import Lab
from lsgan_lib.labs.pad import Pad

Pick = Callable[[int], int]
"""pick(n): some whole number from 0 to n - 1, of hypothesis or of a seeded generator."""

KEYS = ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Enter", " ", "Delete")
TEXTS = ("", "0", "1", "-1", "2.5", "1e999", "nan", "seven", "a=1,b=2", "&<b>é\n", "x" * 300)
COLOURS = ("#000000", "#ff8800")


@dataclass(frozen=True)
class Event:
    """Something that a reader does: to which control, which of its properties, and what."""

    control: int
    """its place in `lab.controls()` at that moment"""
    name: str
    """what the page calls it, to read in a failure"""
    trait: str
    """index, value, press or hear"""
    value: Any


def reachable(lab: Lab) -> list[tuple[int, widgets.Widget]]:
    """The controls that a reader can reach now: neither disabled nor hidden."""
    hidden = set()

    def look(widget: widgets.Widget, above: bool) -> None:
        layout = getattr(widget, "layout", None)
        here = above or (
            layout is not None and (layout.display == "none" or layout.visibility == "hidden")
        )
        if here:
            hidden.add(widget.model_id)
        for child in getattr(widget, "children", ()):
            look(child, here)

    look(lab.box, False)
    return [
        (place, control)
        for place, control in enumerate(lab.controls())
        if not getattr(control, "disabled", False)
        and control.model_id not in hidden
        and not isinstance(control, widgets.Valid)  # shows, and takes nothing
    ]


def some_event(lab: Lab, pick: Pick) -> Event:
    """One event on one reachable control."""
    there = reachable(lab)
    assert there, "the lab has no control that a reader can reach"
    place, control = there[pick(len(there))]
    trait, value = _change(control, pick)
    name = getattr(control, "description", "") or type(control).__name__
    return Event(place, name, trait, value)


def _change(control: widgets.Widget, pick: Pick) -> tuple[str, Any]:
    """What a reader can do to this control."""

    def on_grid(low: float, high: float, step: float | None) -> float:
        stops = 100 if not step else max(0, int((high - low) / step + 1e-9))
        return min(high, low + pick(stops + 1) * (step or (high - low) / 100))

    match control:
        case Pad():
            kind = ("down", "move", "up", "key")[pick(4)]
            event = {"kind": kind, "x": pick(51) / 50, "y": pick(51) / 50}
            return "hear", event | ({"key": KEYS[pick(len(KEYS))]} if kind == "key" else {})
        case widgets.Button():
            return "press", None
        case widgets.Checkbox() | widgets.ToggleButton():
            return "value", bool(pick(2))
        case widgets.SelectMultiple():
            return "index", tuple(i for i in range(len(control.options)) if pick(2))
        case widgets.SelectionRangeSlider():
            return "index", tuple(sorted(pick(len(control.options)) for _ in range(2)))
        case (
            widgets.Dropdown()
            | widgets.ToggleButtons()
            | widgets.RadioButtons()
            | widgets.Select()
            | widgets.SelectionSlider()
        ):
            return "index", pick(len(control.options)) if control.options else None
        case widgets.IntRangeSlider() | widgets.FloatRangeSlider():
            ends = (on_grid(control.min, control.max, control.step) for _ in range(2))
            whole = int if isinstance(control, widgets.IntRangeSlider) else float
            return "value", tuple(sorted(map(whole, ends)))
        case widgets.FloatLogSlider():
            return "value", control.base ** on_grid(control.min, control.max, control.step)
        case widgets.IntSlider() | widgets.BoundedIntText() | widgets.Play():
            return "value", int(on_grid(control.min, control.max, control.step))
        case widgets.FloatSlider() | widgets.BoundedFloatText():
            return "value", float(on_grid(control.min, control.max, control.step))
        case widgets.IntText():
            return "value", (-1_000_000, -1, 0, 1, 7, 1_000_000)[pick(6)]
        case widgets.FloatText():
            return "value", (-1e6, -0.5, 0.0, 1e-6, 1.0, 1e6)[pick(6)]
        case widgets.FileUpload():
            return "value", (_upload(UPLOADS[pick(len(UPLOADS))]),)
        case widgets.ColorPicker():
            return "value", COLOURS[pick(len(COLOURS))]
        case widgets.Text() | widgets.Textarea() | widgets.Combobox() | widgets.Password():
            return "value", TEXTS[pick(len(TEXTS))]
    raise NotImplementedError(f"lab_events does not know how to use {type(control).__name__}")


def _png(size: tuple[int, int], mode: str) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 90).save(file, format="png")
    return file.getvalue()


UPLOADS = (
    *(_png((28, 28), "L"), _png((90, 60), "RGB"), _png((1, 1), "L"), _png((40, 41), "RGBA")),
    *(_png((64, 64), "RGB")[:60], b"", b"this is no picture"),
)
"""pictures, and files that are none"""


def _upload(content: bytes) -> dict[str, Any]:
    """A file, as the kernel gets it from the page."""
    return {
        "name": "chosen.png",
        "type": "image/png",
        "size": len(content),
        "content": memoryview(content),
        "last_modified": datetime(2026, 1, 1, tzinfo=UTC),
    }


@st.composite
def events(draw: st.DrawFn, lab: Lab) -> Event:
    """One random event on one control that can be reached now: a hypothesis strategy."""
    return some_event(lab, lambda n: draw(st.integers(0, n - 1)))


random_event = events


def draw_event(data: st.DataObject, lab: Lab) -> Event:
    """The same, drawn from `st.data()`."""
    return data.draw(events(lab))


def apply(lab: Lab, event: Event) -> None:
    """Do it, as the page would. What the lab raises comes out."""
    control = lab.controls()[event.control]
    match event.trait:
        case "press":
            for listener in list(control._click_handlers.callbacks):
                listener(control)
        case "hear":
            control.hear(dict(event.value))
        case trait:
            setattr(control, trait, event.value)
            for listener in list(getattr(getattr(control, "_submission_callbacks", None),
                                         "callbacks", ())):  # fmt: skip
                listener(control)  # a text is also sent by Enter


@dataclass(frozen=True)
class Counts:
    """What must not grow, however long one plays."""

    figures: int
    threads: int
    widgets: int
    listeners: int

    @classmethod
    def of(cls, lab: Lab) -> "Counts":
        listeners = 0
        for control in [lab.image, *lab.controls()]:
            for by_type in control._trait_notifiers.values():
                listeners += sum(map(len, by_type.values()))
            listeners += len(getattr(getattr(control, "_click_handlers", None), "callbacks", ()))
            listeners += len(getattr(control, "_listeners", ()))
        return cls(
            len(plt.get_fignums()),
            threading.active_count(),
            len(widgets.widgets.widget._instances),
            listeners,
        )


_before: WeakKeyDictionary[Lab, Counts] = WeakKeyDictionary()


def assert_sound(lab: Lab, *, threads: int = 0, widgets: int = 0, listeners: int = 0) -> None:
    """The picture is that of the settings, and nothing has grown since the first call for this lab.

    threads, widgets, listeners: how many more than at first the lab may have while it works (a
    thread that trains; a list of sliders that depends on a choice).
    """
    with lab.still():  # a lab that trains meanwhile
        shown, settings = bytes(lab.image.value), lab.settings
        assert shown == lab.picture(settings), f"the picture is not that of {settings}"
    assert shown.startswith(b"\x89PNG"), "the picture is no PNG file"
    now, before = Counts.of(lab), _before.setdefault(lab, Counts.of(lab))
    assert now.figures <= before.figures, "a pyplot figure was left open"
    assert now.threads <= before.threads + threads, f"threads: {threading.enumerate()}"
    if now.widgets > before.widgets + widgets:
        gc.collect()
        now = Counts.of(lab)
    assert now.widgets <= before.widgets + widgets, "widgets were made and not closed"
    assert now.listeners <= before.listeners + listeners, "listeners were added and not removed"


def press_at_random(
    lab: Lab, count: int, seed: int = 0, *, look_every: int = 1, **allowed: int
) -> list[Event]:
    """So many events in a row, `assert_sound` after every one (or every `look_every`-th).

    A failure tells the last ten events. allowed: as for `assert_sound`. Returns all events.
    """
    numbers = random.Random(seed)
    assert_sound(lab, **allowed)
    done: list[Event] = []
    last: deque[Event] = deque(maxlen=10)
    for number in range(1, count + 1):
        event = some_event(lab, numbers.randrange)
        done.append(event)
        last.append(event)
        try:
            apply(lab, event)
            if number % look_every == 0 or number == count:
                assert_sound(lab, **allowed)
        except Exception as error:
            error.add_note(f"after {number} events with seed {seed}, the last: {list(last)}")
            raise
    return done
