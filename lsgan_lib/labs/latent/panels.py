"""Two parts of the latent explorer that have widgets of their own: searching, and saving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import torch
from torch import Tensor

from lsgan_lib import films
from lsgan_lib.errors import BookError
from lsgan_lib.labs.latent.parts import WRAP, button, words
from lsgan_lib.labs.latent.search import News, Search, read_picture
from lsgan_lib.labs.latent.space import Space, as_point
from lsgan_lib.labs.latent.state import Point
from lsgan_lib.labs.sheet import Sheet

_SIDE = 128  # of the wanted and of the found picture, pixels of the page

Say = Callable[[str], None]


class SearchPanel:
    """Upload a picture, search for its noise, walk there. box: the widgets."""

    def __init__(self, space: Space, say: Say, walk_to: Callable[[Point], None]) -> None:
        self.space, self.say = space, say
        self.target: Tensor | None = None
        self.found: Tensor | None = None
        self.search: Search | None = None
        self._asked = 0
        self.upload = widgets.FileUpload(
            accept="image/*",
            multiple=False,
            description="Choose a picture",
            layout={"width": "auto"},
        )
        self.upload.observe(self._take_upload, "value")
        self.real = button("One of the real images", self._take_real)
        self.begin = button("Search for its noise", self.start, disabled=True)
        self.end = button("Stop", self.stop, disabled=True)
        self.walk_there = button("Walk to what was found", self._walk_there, disabled=True)
        self._walk_to = walk_to
        self.progress = widgets.IntProgress(0, 0, 1, layout={"width": "200px"})
        self.image = widgets.Image(format="png", width=str(2 * _SIDE + 8))
        self.image.value = self._picture(None)
        self.told = widgets.HTML(words("A PNG or JPEG file of any size: its middle is cut out."))
        data = [] if space.data is None else [self.real]
        self.box = widgets.VBox(
            [
                widgets.HBox(
                    [self.upload, *data, self.begin, self.end, self.progress, self.walk_there],
                    layout=WRAP,
                ),
                widgets.HBox([self.image, self.told], layout=WRAP),
            ]
        )

    def _take_upload(self, change: dict) -> None:
        if not change["new"]:
            return
        file = change["new"][0]
        try:
            self._take(read_picture(bytes(file["content"]), str(file["name"]), self.space.shape))
        except BookError as problem:
            self.say(str(problem))

    def _take_real(self) -> None:
        assert self.space.data is not None
        random = torch.Generator().manual_seed(self._asked)
        row = int(torch.randint(len(self.space.data), (1,), generator=random))
        self._asked += 1
        self._take(self.space.data[row])

    def _take(self, target: Tensor) -> None:
        """Have another picture to search for; the search for the one before ends."""
        self.stop()
        self.target, self.found = target, None
        self.begin.disabled, self.walk_there.disabled = False, True
        self.progress.value = 0
        self.image.value = self._picture(None)
        self.told.value = words("Left: the picture, as the generator would have to make it.")
        self.say("The picture is ready to be searched for.")

    def start(self) -> None:
        """Begin a search; one that runs is stopped."""
        if self.target is None:
            self.say("Choose a picture first.")
            return
        self.stop()
        self.found, self.walk_there.disabled = None, True
        target = self.target
        search = Search(
            self.space.generator, target, self.space.z_dim, self.space.kind,
            lambda news: self._hear(search, target, news),
        )  # fmt: skip
        self.search = search
        self.progress.max = search.steps
        self.begin.disabled, self.end.disabled = True, False
        search.start()

    def stop(self) -> None:
        """End the search that runs, if any, and wait for its last word: a few milliseconds."""
        search = self.search
        if search is not None:
            search.stop()
            search.join()
            self.search = None
        self.begin.disabled, self.end.disabled = self.target is None, True

    def _hear(self, search: Search, target: Tensor, news: News) -> None:
        """Show news, in the thread of the search."""
        if self.search is not search:
            return
        self.progress.value = news.step
        if news.trouble:
            self.told.value = words(news.trouble)
        else:
            self.found = news.z
            self.image.value = self._picture(news.image, target)
            state = "Ended" if news.over else "Searching"
            self.told.value = words(
                f"{state}: step {news.step} of {news.steps}. Left: the picture; right: the "
                f"closest that was found, root mean squared difference {news.error:.3f}."
            )
        if news.over:
            self.begin.disabled, self.end.disabled = False, True
            self.walk_there.disabled = self.found is None

    def _walk_there(self) -> None:
        if self.found is None:
            self.say("Search for a picture first.")
        else:
            self._walk_to(as_point(self.found))

    def _picture(self, found: Tensor | None, target: Tensor | None = None) -> bytes:
        page = Sheet(2 * _SIDE + 8, _SIDE)
        target = self.target if target is None else target
        for place, image in enumerate((target, found)):
            left = place * (_SIDE + 8)
            if image is None:
                page.line([(left + x * (_SIDE - 2) + 1, 1 + y * (_SIDE - 2))
                           for x, y in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))],
                          "#B0B0B0", 1)  # fmt: skip
            else:
                page.image(image, left, 0, _SIDE)
        return page.png()


class SavePanel:
    """Files of what is seen. pictures: of the place and of the way; box: the widgets."""

    def __init__(
        self,
        folder: Path,
        say: Say,
        present: Callable[[], Tensor],
        way: Callable[[], Tensor],
    ) -> None:
        """present, way: make the images (1, C, H, W) and (N, C, H, W) when asked."""
        self.folder, self.say, self.present, self.way = folder, say, present, way
        self.box = widgets.HBox(
            [
                button("This picture as PNG", lambda: self.save("png")),
                button("The strip's whole way as GIF", lambda: self.save("gif")),
                button("The strip's whole way as MP4", lambda: self.save("mp4")),
            ],
            layout=WRAP,
        )

    def save(self, kind: str) -> None:
        """Write a file under a new name, and say where it lies."""
        try:
            match kind:
                case "png":
                    path = films.write_new(self.folder, "picture", kind, films.png(self.present()))
                case "gif":
                    path = films.write_new(self.folder, "walk", kind, films.gif(self.way()))
                case _:
                    path = films.write_new(self.folder, "walk", kind, films.mp4(self.way()))
            plain = kind == "mp4" and films.encoder() == films.ENCODERS[-1]
            note = " (MPEG-4, for players; this PyAV has no H.264 for browsers)" if plain else ""
            self.say(f"Saved as {path}{note}")
        except BookError as problem:
            self.say(str(problem))
