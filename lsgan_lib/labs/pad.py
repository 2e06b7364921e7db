"""A picture that tells where it is clicked and dragged: the one part that ipywidgets lacks.

Written with anywidget, which runs in JupyterLab, Notebook 7 and VS Code without an extension of
our own. The kernel sends PNG files; the page sends events. The picture takes the focus with Tab and
reports the arrow keys, Enter, Space and Delete, so that nothing needs a mouse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

Event = dict[str, Any]
"""kind: down, move (with the button held), up or key; x, y: from the left and the top, 0 to 1;
key: of kind key only, the browser's name of it ("ArrowLeft", "Enter", " ")."""

_PAGE = """
const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Enter", " ", "Delete"];

function render({ model, el }) {
  const image = document.createElement("img");
  image.tabIndex = 0;
  image.draggable = false;
  image.className = "lsgan-pad";
  image.style.cssText =
    "display: block; max-width: 100%; cursor: crosshair; touch-action: none; background: white";
  let url = null;
  const paint = () => {
    const old = url;
    url = URL.createObjectURL(new Blob([model.get("value")], { type: "image/png" }));
    image.src = url;
    if (old) URL.revokeObjectURL(old);
  };
  const word = () => {
    image.alt = model.get("alt");
    image.style.width = model.get("width") + "px";
  };
  let last = { x: 0.5, y: 0.5 };
  const where = (event) => {
    const box = image.getBoundingClientRect();
    const part = (value, from, size) => Math.min(1, Math.max(0, (value - from) / size));
    const x = part(event.clientX, box.left, box.width);
    last = { x, y: part(event.clientY, box.top, box.height) };
    return last;
  };
  let held = false;
  let waiting = null;  // of several moves within one frame only the last is sent
  image.addEventListener("pointerdown", (event) => {
    held = true;
    image.setPointerCapture(event.pointerId);
    image.focus({ preventScroll: true });
    model.send({ kind: "down", ...where(event) });
  });
  image.addEventListener("pointermove", (event) => {
    if (!held) return;
    const idle = waiting === null;
    waiting = where(event);
    if (!idle) return;
    requestAnimationFrame(() => {
      if (waiting) model.send({ kind: "move", ...waiting });
      waiting = null;
    });
  });
  const release = (event) => {
    if (!held) return;
    held = false;
    waiting = null;
    model.send({ kind: "up", ...where(event) });
  };
  image.addEventListener("pointerup", release);
  image.addEventListener("pointercancel", release);
  // Keys are taken at the window, on their way down to the picture: Notebook 7 takes them for
  // shortcuts at the document, before the picture would hear of them.
  const press = (event) => {
    if (event.target !== image || !KEYS.includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();  // the notebook would move to another cell
    model.send({ kind: "key", key: event.key, ...last });
  };
  window.addEventListener("keydown", press, true);
  model.on("change:value", paint);
  model.on("change:alt", word);
  model.on("change:width", word);
  word();
  paint();
  el.appendChild(image);
  model.send({ kind: "shown" });
  return () => {
    window.removeEventListener("keydown", press, true);
    model.off("change:value", paint);
    model.off("change:alt", word);
    model.off("change:width", word);
    if (url) URL.revokeObjectURL(url);
    model.send({ kind: "gone" });
  };
}

export default { render };
"""


class Pad(anywidget.AnyWidget):
    """A PNG picture on the page that reports pointer and keys; see `Event`.

    value: the PNG file. width: on the page, pixels. alt: for those who do not see it. views: on how
    many pages it stands now; 0 again once its cell was run anew or deleted.
    """

    _esm = _PAGE
    value = traitlets.Bytes(b"").tag(sync=True)
    width = traitlets.Int(400).tag(sync=True)
    alt = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.views = 0
        self._listeners: list[Callable[[Event], None]] = []
        self._leavers: list[Callable[[], None]] = []
        self.on_msg(lambda _widget, content, _buffers: self.hear(content))

    def on_event(self, listener: Callable[[Event], None]) -> None:
        """Call the listener with every event."""
        self._listeners.append(listener)

    def on_gone(self, listener: Callable[[], None]) -> None:
        """Call the listener when the last page that showed this picture has dropped it."""
        self._leavers.append(listener)

    def hear(self, content: Event) -> None:
        """Take a message of the page, as the browser sends it; tests send their own."""
        match content.get("kind"):
            case "shown":
                self.views += 1
            case "gone":
                self.views = max(0, self.views - 1)
                if self.views == 0:
                    for leave in self._leavers:
                        leave()
            case _:
                for listener in self._listeners:
                    listener(content)
