"""The settings of the live GAN lab as a short string that one can send to somebody else.

    ring, least squares, a=-1, c=0, width=64, seed=3

Words name the data, the objective and the optimiser, `name=value` the rest; what is left out has
its usual value. Two games on the same data and seed stand on either side of a bar:

    ring, cross-entropy, seed=3 | least squares, width=64
"""

from __future__ import annotations

import string
from dataclasses import fields, replace
from typing import Any

from lsgan_lib.errors import BookError, first_line
from lsgan_lib.labs.live.state import CELLS, DATA, OBJECTIVES, OPTIMISERS, RANGES, LiveState

DIGITS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"  # one a place
assert len(DIGITS) == CELLS
_NUMBERS = {f.name: type(f.default) for f in fields(LiveState) if f.name in RANGES}
_WORDS = {"data": DATA, "objective": OBJECTIVES, "optimiser": OPTIMISERS}
_SHARED = ("data", "seed", "points")


def to_text(*states: LiveState) -> str:
    """One state, or two on the same data and seed, as the string that `from_text` reads."""
    return " | ".join(_one(state, place == 0) for place, state in enumerate(states))


def headline(state: LiveState) -> str:
    """What is unusual about one game, without its data and seed."""
    return _one(state, first=False)


def _one(state: LiveState, first: bool) -> str:
    usual = LiveState().with_objective(state.objective)
    words = [state.data, state.objective] if first else [state.objective]
    if state.optimiser != usual.optimiser:
        words.append(state.optimiser)
    for name in _NUMBERS:
        value = getattr(state, name)
        if value != getattr(usual, name) and (first or name not in _SHARED):
            words.append(f"{name}={repr(value).removesuffix('.0')}")
    if first and state.data == "drawn":
        words.append(
            "points=" + "".join(DIGITS[place] for point in state.points for place in point)
        )
    return ", ".join(words)


def from_text(text: str) -> tuple[LiveState, ...]:
    """The inverse of `to_text`. Raises BookError with a sentence for what it cannot read."""
    parts = text.split("|")
    if len(parts) > 2:
        raise BookError("There is room for two games, so the string may hold one bar at most.")
    given = [
        dict(_read(word.strip()) for word in part.split(",") if word.strip()) for part in parts
    ]
    first = _made(given[0])
    if len(parts) == 1:
        return (first,)
    if set(given[1]) & set(_SHARED):
        raise BookError("Both games share data and seed: name them before the bar only.")
    return first, _made(given[1] | {name: getattr(first, name) for name in _SHARED})


def _read(word: str) -> tuple[str, Any]:
    """What one word sets, and to what."""
    for name, choices in _WORDS.items():
        if word in choices:
            return name, word
    name, equals, value = (part.strip() for part in word.partition("="))
    if name == "points" and equals and not len(value) % 2 and all(c in DIGITS for c in value):
        places = [DIGITS.index(c) for c in value]
        return name, tuple(zip(places[::2], places[1::2], strict=True))
    if name not in _NUMBERS or not equals:
        known = ", ".join([*DATA, *OBJECTIVES, *OPTIMISERS, *(f"{n}=" for n in _NUMBERS)])
        raise BookError(f"I do not know \u201c{word[:40]}\u201d. I know {known}.")
    number: Any = _NUMBERS[name]
    try:
        return name, number(value)
    except ValueError:
        whole = "whole " if _NUMBERS[name] is int else ""
        raise BookError(f"{name} wants a {whole}number, not \u201c{value[:40]}\u201d.") from None


def _made(given: dict[str, Any]) -> LiveState:
    usual = LiveState().with_objective(given.get("objective", LiveState.objective))
    try:
        return replace(usual, **given)
    except ValueError as error:
        raise BookError(f"This game cannot be played: {first_line(error)}") from error
