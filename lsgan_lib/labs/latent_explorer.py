"""The latent explorer: any generator's noise, to walk through, push, add up and search."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
from torch import Tensor, nn

from lsgan_lib.errors import BookError
from lsgan_lib.figures import image_grid, shown
from lsgan_lib.labs.lab import Lab
from lsgan_lib.labs.latent import drawing as drawing
from lsgan_lib.labs.latent import map as latent_map
from lsgan_lib.labs.latent import pointer as latent_pointer
from lsgan_lib.labs.latent import shelf as latent_shelf
from lsgan_lib.labs.latent import state as latent_state
from lsgan_lib.labs.latent.controls import Change, Controls
from lsgan_lib.labs.latent.panels import SavePanel, SearchPanel
from lsgan_lib.labs.latent.parts import MAP_HINT, WRAP, explained, words
from lsgan_lib.labs.latent.space import Space
from lsgan_lib.labs.latent.state import PANELS, Point, Settings
from lsgan_lib.labs.pad import Pad
from lsgan_lib.latent import Noise, images_of


class LatentExplorer(Lab):
    """Walks, directions, arithmetic, truncation, search and films for one generator.

        LatentExplorer.of_run("mnist-least-squares").show()
        LatentExplorer(my_generator, z_dim=100, kind="normal").show()

    generator: in eval mode, z (N, z_dim) -> images (N, 1 or 3, H, W) in [-1, 1]. z_dim: by default
    `generator.z_dim`. kind: the noise it was trained with. data: real images, among which the
    nearest is shown. samples: drawn to choose from; waypoints: which of them are walked through
    at first. folder: for saved files. Chapter 13.
    """

    sentence = "Latent explorer: walk through a generator's noise"

    def __init__(
        self,
        generator: nn.Module,
        *,
        z_dim: int | None = None,
        kind: Noise = "uniform",
        data: Tensor | None = None,
        seed: int = 0,
        samples: int = 12,
        waypoints: tuple[int, ...] = (0, 1, 2),
        folder: Path | str = "explored",
    ) -> None:
        length = z_dim if z_dim is not None else getattr(generator, "z_dim", None)
        if length is None:
            raise ValueError("say how long the noise is: LatentExplorer(generator, z_dim=...)")
        if samples < 2 or len(set(waypoints)) < 2 or not all(0 <= w < samples for w in waypoints):
            raise ValueError(f"waypoints are two or more of the samples 0 to {samples - 1}.")
        self.space = Space(generator, length, kind, data)
        start = Settings(
            seed, samples, waypoints=tuple(waypoints), edge=1.0 if kind == "uniform" else 1.96
        )
        # Now, and not at the first push, which should answer at once.
        self._settings = latent_state.to_stop(self.space.find_directions(start), 0)
        flat = length == 2
        self._ground = latent_map.background(self.space) if flat else None
        self.image: Pad = Pad(width=drawing.SCENE[0])
        self.shelf = Pad(width=drawing.COLUMNS * (drawing.TILE + drawing.GAP) + drawing.GAP)
        self.map = Pad(width=latent_map.PIXELS, alt="map of the noise") if flat else None
        self._one_at_a_time = threading.RLock()  # events come in more than one thread
        self.said = widgets.HTML()
        self.panel = Controls(self.space, self.do)
        self.search = SearchPanel(self.space, self._say, self._walk_to)
        saving = SavePanel(Path(folder), self._say, self._present, self._way)
        pictures = [self.image] if self.map is None else [self.image, self.map]
        tabs = self.panel.tabs | {"Your picture": self.search.box, "Save": saving.box}
        self.box = widgets.VBox(
            [
                self.panel.choosing,
                self.shelf,
                widgets.HBox(pictures, layout=WRAP),
                self.said,
                explained(tabs, "" if self.map is None else MAP_HINT),
            ]
        )
        grip = latent_pointer.Grip()
        self.image.on_event(lambda e: self.do(latent_pointer.on_picture(self.space, e, grip)))
        self.image.on_gone(self.search.stop)
        self.shelf.on_event(lambda e: self.do(latent_pointer.on_shelf(e)))
        if self.map is not None:
            self.map.on_event(lambda e: self.do(latent_pointer.on_map(self.space, e)))
        self.panel.follow(self._settings)
        self.do(lambda s: s)

    @classmethod
    def of_run(cls, name: str, **options: Any) -> LatentExplorer:
        """Explore a recorded run; `lsgan_lib.book.load_run` names them. options: as for the class.

        For runs on MNIST the 5,000 digits of the book are the real images.
        """
        from lsgan_lib.book import load_run
        from lsgan_lib.data import digits

        run = load_run(name)
        if "mnist" in run.recipe.data:
            options.setdefault("data", digits().images)
        z_dim = run.recipe.networks.z_dim
        return cls(run.generator(), z_dim=z_dim, kind=run.recipe.noise, **options)

    # --- the contract of a lab ----------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """All that the pictures depend on."""
        return self._settings

    def picture(self, settings: Settings) -> bytes:
        """The picture, the norms along the walk, and the strip."""
        s, space = settings, self.space
        present, strip = space.pictures(s)
        astray = s.off is not None
        norm = space.noise(s).norm().item()
        legs = len(s.waypoints) - 1
        chart = drawing.Chart(
            space.norms(s), s.way, space.shell, None if astray else s.stop, norm, legs
        )
        mark = None if astray and s.along == "walk" else latent_state.strip_mark(s)
        return drawing.scene(present, strip, mark, chart, space.neighbour(present))

    def strip(self) -> None:
        """Show the walk, and the two directions that change its beginning most."""
        s = latent_state.to_stop(self._settings, 0)
        s = self.space.find_directions(replace(s, moves=latent_state.STILL, truncation=1.0))
        count = min(2, len(s.directions))
        rows = {f"a walk through {len(s.waypoints)} samples": latent_state.to_stop(s, 0)}
        for k in range(count):
            rows[f"from the first of them, along direction {k + 1}"] = latent_state.moved(s, k, 0.0)
        figure, axes = plt.subplots(len(rows), 1, figsize=(9.0, 1.12 * len(rows)))
        for ax, (title, row) in zip(axes, rows.items(), strict=True):
            points = self.space.film(row)
            chosen = points[[round(i * (len(points) - 1) / (PANELS - 1)) for i in range(PANELS)]]
            image_grid(ax, images_of(self.space.generator, chosen), PANELS)
            ax.set_title(title, loc="left")
        shown(figure)

    def close(self) -> None:
        """Stop a search and take the lab off the page."""
        self.search.stop()
        super().close()

    # --- what happens -------------------------------------------------------------------------

    def do(self, change: Change, said: str = "") -> None:
        """Change the settings, repaint, say a sentence; or say why it cannot be done."""
        with self._one_at_a_time:
            try:
                self._show(change(self._settings))
                self._say(said)
            except BookError as problem:
                self.panel.follow(self._settings)
                self._say(str(problem))

    def _show(self, s: Settings) -> None:
        """Take settings over, with their pictures."""
        picture = self.picture(s)
        self._settings, before = s, self._settings
        self.image.value = picture
        self.image.alt = self.space.words(s)
        if not self.shelf.value or s.on_shelf != before.on_shelf:
            self.shelf.value = self.picture_of_shelf(s)
        if self.map is not None:
            self.map.value = self.picture_of_map(s)
        self.panel.follow(s, before)

    def picture_of_shelf(self, s: Settings) -> bytes:
        """The samples to choose from."""
        return drawing.shelf(self.space.on_shelf(s), s.waypoints, s.groups, s.purpose, s.cursor)

    def picture_of_map(self, s: Settings) -> bytes:
        """The plane of noise, for a generator of two numbers."""
        assert self._ground is not None
        waypoints = self.space.points(s, s.waypoints)
        here = self.space.noise(s)
        return latent_map.marked(self._ground, self.space.walk(s), waypoints, here, self.space.kind)

    def _say(self, sentence: str) -> None:
        """Where one stands, and a sentence about what was done."""
        where = self.space.words(self._settings)
        self.said.value = words(where, "status") + words(sentence or "\u00a0")

    def _walk_to(self, point: Point) -> None:
        self.do(lambda s: latent_shelf.kept(s, point, walk_there=True))

    def _present(self) -> Tensor:
        return images_of(self.space.generator, self.space.noise(self._settings)[None])

    def _way(self) -> Tensor:
        return images_of(self.space.generator, self.space.film(self._settings))
