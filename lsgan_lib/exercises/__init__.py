"""Checks for the exercises: one file a chapter, all built on the few parts below.

A check looks at the reader's answer and says one of three things: not attempted yet, correct
(with the reason), not yet (with a hint). It never raises, so *Run All* reaches the end of a chapter
in which nothing has been solved.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Verdict:
    """What a check found. It is true when the answer is right."""

    right: bool
    sentence: str

    def __bool__(self) -> bool:
        return self.right

    def _ipython_display_(self) -> None:
        """Show nothing: as the last line of a cell the verdict has already been printed."""


def correct(why: str) -> Verdict:
    """Accept an answer and say why it is right."""
    return Verdict(True, f"✓ correct: {why}")


def not_yet(hint: str) -> Verdict:
    """Refuse an answer with a hint that does not give it away."""
    return Verdict(False, f"✗ not yet: {hint}")


class NotAttempted(Exception):
    """The answer is still the empty stub."""


class Unusable(Exception):
    """The answer is of a kind that the check cannot look at; the message tells the reader why."""


def exercise(number: str) -> Callable[[Callable[..., Verdict]], Callable[..., Verdict]]:
    """Turn a function of an answer into the check of one exercise, which prints its verdict."""

    def decorate(judge: Callable[..., Verdict]) -> Callable[..., Verdict]:
        @functools.wraps(judge)
        def check(*answers: Any) -> Verdict:
            try:
                if not answers or any(answer is None for answer in answers):
                    raise NotAttempted
                verdict = judge(*answers)
            except NotAttempted:
                verdict = Verdict(False, "not attempted yet")
            except Unusable as problem:
                verdict = not_yet(str(problem))
            except Exception as problem:  # whatever the reader's own function did wrong
                verdict = not_yet(f"your answer stopped with {type(problem).__name__}: {problem}")
            print(f"Exercise {number}: {verdict.sentence}")
            return verdict

        return check

    return decorate


def number(answer: Any) -> float:
    """Read one number out of an answer: a float, a fraction, a tensor with one entry."""
    if isinstance(answer, bool | str):
        raise Unusable(f"one number is asked for, this is {answer!r}")
    try:
        return float(answer)
    except (TypeError, ValueError, RuntimeError):
        raise Unusable(f"one number is asked for, this is a {type(answer).__name__}") from None


def choice(answer: Any, options: tuple[str, ...]) -> str:
    """Read one of a few words out of an answer, whatever its case."""
    word = str(answer).strip().lower()
    if word not in options:
        raise Unusable(f"choose one of {', '.join(map(repr, options))}; this is {answer!r}")
    return word


def result(function: Any, *arguments: Any, **settings: Any) -> Any:
    """Call the reader's function; a stub that still returns None counts as not attempted."""
    if not callable(function):
        raise Unusable(f"a function is asked for, this is a {type(function).__name__}")
    value = function(*arguments, **settings)
    if value is None:
        raise NotAttempted
    return value


def tensor(value: Any, shape: tuple[int, ...]) -> Tensor:
    """Read a tensor of this shape out of an answer."""
    found = torch.as_tensor(value)
    if tuple(found.shape) != shape:
        raise Unusable(f"the shape asked for is {shape}, this one has {tuple(found.shape)}")
    return found


def close(value: Any, target: Any, *, within: float = 1e-5) -> bool:
    """Tell whether two numbers, or two tensors of one shape, agree up to ``within``."""
    value, target = torch.as_tensor(value).double(), torch.as_tensor(target).double()
    return bool(value.shape == target.shape and torch.all((value - target).abs() <= within))
