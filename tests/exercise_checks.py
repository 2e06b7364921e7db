"""What holds of every exercise's check, asked of the answers that a chapter's test file names."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

Check = Callable[..., bool]
Answers = list[Any] | Callable[[], list[Any]]
"""of one exercise, in the order of its check; a function where they take a while to make"""


def three_tests(
    right: Mapping[str, tuple[Check, Answers]], wrong: Sequence[tuple[Check, list[Any], str]]
) -> tuple[Callable[..., None], ...]:
    """Three tests, to be given names that begin with ``test_``: right answers, stubs, wrong ones.

    right: by the exercise's number, which other words may follow after a comma. wrong: each with
    a part of the hint that it deserves.
    """

    def answers_to(exercise: str) -> tuple[Check, list[Any], str]:
        check, answers = right[exercise]
        return check, answers() if callable(answers) else answers, exercise.split(",")[0]

    @pytest.mark.parametrize("exercise", right)
    def right_answers(exercise, capsys):
        check, answers, number = answers_to(exercise)
        assert check(*answers)
        assert capsys.readouterr().out.startswith(f"Exercise {number}: ✓ correct")

    @pytest.mark.parametrize("exercise", right)
    def stubs(exercise, capsys):
        check, answers, number = answers_to(exercise)
        assert not check(*map(stub_of, answers))
        assert capsys.readouterr().out == f"Exercise {number}: not attempted yet\n"

    @pytest.mark.parametrize(("check", "answers", "hint"), wrong)
    def wrong_answers(check, answers, hint, capsys):
        assert not check(*answers)
        assert hint in capsys.readouterr().out

    return right_answers, stubs, wrong_answers


def stub_of(answer: Any) -> Any:
    """What stands in the chapter in the place of an answer."""
    return (lambda *args, **settings: None) if callable(answer) else None
