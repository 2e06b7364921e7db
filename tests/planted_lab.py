"""A small lab, sound as it stands, into which a test plants a fault by name.

Its picture is a field in the colour of its settings, so it repaints in a millisecond.
"""

import io
import threading
from dataclasses import dataclass, replace

import ipywidgets as widgets
import matplotlib.pyplot as plt
from PIL import Image

from lsgan_lib.labs.lab import Lab
from lsgan_lib.labs.pad import Event, Pad

FAULTS = ("stale", "figure", "thread", "exception", "widget", "listener", "forgetful")
"""what a test without a browser finds"""
PAGE_FAULTS = ("stale", "exception", "observer", "dead", "keyless", "wide", "faint", "script")
"""what a page shows"""


@dataclass(frozen=True)
class Settings:
    red: int = 100
    green: int = 100
    blue: int = 0
    loud: bool = False
    size: str = "small"
    upload: int = 0


class PlantedLab(Lab):
    """fault: None, or one of FAULTS or PAGE_FAULTS."""

    sentence = "A field of colour"

    def __init__(self, fault: str | None = None) -> None:
        self.fault = fault
        self._settings = Settings()
        self.calls = 0
        self.stop = threading.Event()
        self.image = Pad(width=200, alt="field")
        self.red = widgets.IntSlider(100, 0, 255, 5, description="red")
        self.loud = widgets.Checkbox(False, description="loud")
        self.size = widgets.Dropdown(options=["small", "large"], description="size")
        self.again = widgets.Button(description="again")
        self.file = widgets.FileUpload()
        self.unused = widgets.Button(description="cannot be pressed", disabled=True)
        self.unused.on_click(lambda _button: 1 / 0)
        self.box = widgets.VBox(
            [self.red, widgets.HBox([self.loud, self.size, self.again, self.file, self.unused]),
             self.image]
        )  # fmt: skip
        self.red.observe(lambda c: self.change(red=c.new), "value")
        self.loud.observe(lambda c: self.change(loud=c.new), "value")
        self.size.observe(lambda c: self.change(size=c.new), "value")
        self.file.observe(lambda c: self.change(upload=c.new[0]["size"]), "value")
        self.again.on_click(self.press)
        self.image.on_event(self.point)
        self.image.on_gone(self.stop.set)
        words = widgets.HTML("words")
        if fault == "wide":
            words.layout.width = "1300px"
        if fault == "faint":
            words.value = '<span style="color: #222">words</span>'
        self.box.children = [*self.box.children, words]
        if fault == "script":
            self.box.children = [*self.box.children, widgets.Image(tooltip="breaks ipywidgets")]
        self.image.value = self.picture(self.settings)

    @property
    def settings(self) -> Settings:
        return self._settings

    def picture(self, settings: Settings) -> bytes:
        side = 20 if settings.size == "small" else 30
        blue = (settings.blue + settings.upload) % 256
        colour = settings.red, settings.green, blue if settings.loud else 255 - blue
        file = io.BytesIO()
        Image.new("RGB", (side, side), colour).save(file, format="png")
        return file.getvalue()

    def strip(self) -> None:
        print("a field of colour")

    def change(self, **new: object) -> None:
        self.calls += 1
        if self.fault == "observer" and "red" in new:
            raise ValueError("planted")
        self._settings = replace(self._settings, **new)
        if self.fault == "stale" and self.settings.size == "large":
            return
        if self.fault == "forgetful" and self.calls == 700:
            self._settings = replace(self._settings, red=(self._settings.red + 5) % 256)
            return
        self.image.value = self.picture(self.settings)

    def point(self, event: Event) -> None:
        if self.fault == "dead":
            return
        if event["kind"] == "key":
            if self.fault == "keyless":
                return
            self.change(green=(self.settings.green + 7) % 256)
        elif event["kind"] != "up":
            self.change(green=round(255 * event["x"]), blue=round(255 * event["y"]))

    def press(self, _button: widgets.Button) -> None:
        match self.fault:
            case "figure":
                plt.figure()
            case "thread":
                threading.Thread(target=self.stop.wait, daemon=True).start()
            case "exception":
                raise ValueError("planted")
            case "widget":
                self.kept = [*getattr(self, "kept", []), widgets.HTML()]
            case "listener":
                self.red.observe(lambda change: None, "value")
        self.change(green=(self.settings.green + 50) % 256)

    def close(self) -> None:
        self.stop.set()
        super().close()
