"""The live GAN lab: a game in the plane, trained before one's eyes, or two of them side by side.

    LiveLab("ring, least squares, a=-1, c=0").show()
    LiveLab.pair("ring, cross-entropy", "least squares").show()

The game is trained in a thread of the kernel, which goes on running other cells. It pauses when its
cell is run again or deleted, when a lab of the same name is made, and after ten minutes.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from lsgan_lib.errors import BookError, first_line
from lsgan_lib.labs.film import Film
from lsgan_lib.labs.lab import Lab
from lsgan_lib.labs.live.drawing import MIDDLE, drawn, moved
from lsgan_lib.labs.live.frame import frame, place_at
from lsgan_lib.labs.live.game import LiveGame, LiveSettings, What, replayed
from lsgan_lib.labs.live.page import LivePage
from lsgan_lib.labs.live.state import LiveState, changed
from lsgan_lib.labs.live.strip import print_strip
from lsgan_lib.labs.live.text import from_text, to_text
from lsgan_lib.labs.pad import Event

_labs: dict[str, LiveLab] = {}
"""the newest lab of each name"""


class LiveLab(Lab):
    """One game or two, with all their settings.

    text: the settings as a string, as the lab itself shows them (see `live.text`). strip: rounds
    after which the printed pictures are taken. speed: rounds a picture, and turns a press; if not
    given, 4 of one game or 2 of two. name: of labs of one name only the newest plays on.
    """

    def __init__(
        self, text: str = "", *, strip: tuple[int, ...] = (0, 50, 200, 500),
        speed: int | None = None, name: str = "live lab",
    ) -> None:  # fmt: skip
        states = from_text(text)
        self.printed, self.name = strip, name
        self.sentence = f"Live GAN lab: {to_text(*states)}"
        self.film = Film(self._frame, self._ended)
        self.cursor, self._anew = MIDDLE, False  # anew: the next drawn point begins a new drawing
        self.page = LivePage(len(states), speed or 4 // len(states), self)
        self.box, self.image = self.page.box, self.page.image
        self.image.on_gone(lambda: self.pause("Paused: the lab left the page."))
        self._start(states, "Press Play, or let the players move one at a time.")
        if name in _labs:
            _labs[name].pause("Paused: this lab was made anew.")
        _labs[name] = self

    @classmethod
    def pair(cls, above: str, below: str, **settings: Any) -> LiveLab:
        """Two games on the same data and seed, which only the first string names."""
        return cls(f"{above} | {below}", **settings)

    @property
    def settings(self) -> LiveSettings:
        """Games, turns that were played, and the keyboard's place in the drawing."""
        with self.film.lock:
            states = tuple(game.state for game in self.games)
            return LiveSettings(states, self.games[0].moves, self.cursor)

    def picture(self, settings: LiveSettings) -> bytes:
        """The views. Other turns than those played now are played again, from the start."""
        with self.film.lock:
            games, now = self.games, self.settings
            if (settings.states, settings.moves) != (now.states, now.moves):
                games = [replayed(state, settings.moves) for state in settings.states]
            return frame(games, settings.cursor)

    def still(self) -> AbstractContextManager[Any]:
        """Inside of it no new picture comes."""
        return self.film.lock

    def strip(self) -> None:
        """Some moments of the same games, from the start on."""
        print_strip([game.state for game in self.games], self.printed)

    def play(self) -> None:
        """Begin to train; nothing where it is training."""
        self.page.show_running(True)
        self.page.say("Playing. Other cells can run meanwhile.")
        self.film.start()

    def pause(self, why: str = "Paused.") -> None:
        """Stop training; returns when the thread has ended."""
        was_running = self.film.running
        self.film.stop()
        if was_running:
            self._ended(why)

    def close(self) -> None:
        """Stop training, and take the lab off the page."""
        self.film.stop()
        if _labs.get(self.name) is self:
            del _labs[self.name]
        super().close()

    # --- what a reader does: `live.page.Reader` ---------------------------------------------------

    def toggle(self) -> None:  # noqa: D102
        if self.film.running:
            self.pause()
        else:
            self.play()

    def turn(self, what: What) -> None:  # noqa: D102
        self.film.stop()
        count = self.page.speed.value
        for game in self.games:
            game.play(what, count)
        self._paint()
        who = "Both players" if what == "round" else f"The {what} alone"
        self._ended(f"{who} moved{f' {count} times' if count > 1 else ''}.")

    def reset(self) -> None:  # noqa: D102
        self._start(self.settings.states, "From the start, with the same seed.")

    def new_seed(self) -> None:  # noqa: D102
        self.change(None, "seed", self.settings.states[0].seed + 1)

    def new_drawing(self) -> None:  # noqa: D102
        self._anew = True
        self.page.say("The next point that you draw begins a new drawing.")

    def change(self, number: int | None, name: str, value: Any) -> None:  # noqa: D102
        states = self.settings.states
        try:
            wanted = changed(states, number, name, value)
        except ValueError as error:
            self.page.show(states)
            self.page.say(f"Not changed: {first_line(error)}")
            return
        self._start(wanted, "From the start, with these settings.")

    def sent(self, text: str) -> None:  # noqa: D102
        try:
            states = from_text(text)
            if len(states) != len(self.games):
                raise BookError(f"This lab shows {len(self.games)} of the two games side by side.")
        except BookError as error:
            self.page.say(f"Nothing changed. {error}")
        else:
            self._start(states, "From the start, with the settings of the string.")

    def click(self, event: Event) -> None:  # noqa: D102
        state = self.settings.states[0]
        if state.data != "drawn":
            if event["kind"] == "down":
                self.page.say("To draw points of your own, choose the data “drawn”.")
            return
        pointer = place_at(len(self.games), event["x"], event["y"])
        points = drawn(state.points, event, self.cursor, pointer, anew=self._anew)
        cursor = moved(self.cursor, event.get("key"))
        if points != state.points:
            self._anew = False
            self.change(None, "points", points)
        elif cursor != self.cursor:
            with self.film.lock:
                self.cursor = cursor
                self._paint()

    # --- what follows -----------------------------------------------------------------------------

    def _start(self, states: tuple[LiveState, ...], why: str) -> None:
        """Play these games from their start; a film that was running runs on."""
        running = self.film.running
        self.film.stop()
        self.games = [LiveGame(state) for state in states]
        self.page.show(states)
        self._paint()
        self._ended(why)
        if running:
            self.play()

    def _frame(self) -> str | None:
        """A few rounds and a picture: what the film calls again and again."""
        for _ in range(self.page.speed.value):
            for game in self.games:
                game.play("round")
            if self.film.stopping:
                break
        self._paint()
        if self.film.number % 20 == 0:
            self.page.say_pace(self.film.pace)
        return "the game is over." if all(game.broken for game in self.games) else None

    def _paint(self) -> None:
        self.image.value = frame(self.games, self.cursor)

    def _ended(self, why: str) -> None:
        """Say why nothing moves now, and what is wrong with the games, if anything is."""
        self.page.show_running(False)
        broken = dict.fromkeys(game.broken for game in self.games if game.broken)
        self.page.say(" ".join([why[0].upper() + why[1:], *broken]))
