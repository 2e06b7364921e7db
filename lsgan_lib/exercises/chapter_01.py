"""Checks of chapter 01: a round by hand, the best critic, a ruler, loops to read, circling games.

Every expected value comes from a route of its own: finite differences, entropies, many rounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from lsgan_lib.evaluation.divergences import jensen_shannon
from lsgan_lib.games import Game, play

from . import NotAttempted, Unusable, Verdict, close, correct, exercise, not_yet, number, result

LOOPS = ("fine", "mixed", "broadcast")


def slope(loss: Callable[[float], float], at: float, step: float = 1e-5) -> float:
    """Derivative by a central difference."""
    return (loss(at + step) - loss(at - step)) / (2 * step)


def soft(x: float) -> float:
    """log(1 + e^x), the loss of one sample in a cross-entropy game."""
    return math.log1p(math.exp(x))


def round_by_differences(theta: float, psi: float, rate: float) -> tuple[float, float]:
    """One round of the smallest GAN, critic first, from differences of its two losses."""
    psi -= rate * slope(lambda p: soft(0.0) + soft(p * theta), psi)
    theta -= rate * slope(lambda t: soft(-psi * t), theta)
    return theta, psi


@exercise("1.1")
def check_1_1(psi: Any, theta: Any) -> Verdict:
    """One round from theta = 1, psi = -1 at the rate 1/2."""
    right_theta, right_psi = round_by_differences(1.0, -1.0, 0.5)
    together = 1.0 - 0.5 * slope(lambda t: soft(1.0 * t), 1.0)  # the generator saw the old critic
    if not close(number(psi), right_psi, within=0.006):
        return not_yet("the critic's slope is θ σ(ψθ); it goes down half of that")
    if close(number(theta), together, within=0.006):
        return not_yet("that answers the old critic; here it has moved before the generator does")
    if not close(number(theta), right_theta, within=0.006):
        return not_yet(
            "the generator's slope is -ψ (1 - σ(ψθ)), with the ψ that you have just found"
        )
    return correct("both steps as autograd makes them; the generated point came closer")


@exercise("1.2")
def check_1_2(scores: Any, divergence: Any, loss: Any) -> Verdict:
    """Best scores, JS and the best critic's loss for two mirrored tables of two places."""
    found = torch.as_tensor(scores).double().flatten()
    if found.shape != (2,):
        raise Unusable("two scores are asked for")
    if close(found, [0.75, 0.25], within=0.006):
        return not_yet("these are probabilities, σ of the scores; the scores are log p/q")
    if not close(found, [math.log(3), -math.log(3)], within=0.006):
        return not_yet("at each place the best score is log p/q")
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))  # of either table
    if not close(number(divergence), math.log(2) - entropy, within=0.002):
        return not_yet("JS is the mean of two KL divergences, both to the mixture (1/2, 1/2)")
    if not close(number(loss), 2 * entropy, within=0.004):
        return not_yet("the loss is minus the value: solve (1.4) for it")
    return correct(
        "JS is a fifth of its largest value, log 2; so the best loss is well below log 4"
    )


@exercise("1.3")
def check_1_3(answers: Any) -> Verdict:
    """Which of three training loops is fine, and what is wrong with the others."""
    right = {"A": "broadcast", "B": "fine", "C": "mixed"}
    reasons = {
        "A": "which shape have `scores`, which have `labels`, and which their product?",
        "B": "follow each gradient: is there any that reaches a network it was not meant for?",
        "C": "when is the generator's gradient set to zero, and what has been added since?",
    }
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Unusable("a dictionary with the keys A, B and C is asked for")
    if all(answer is None for answer in answers.values()):
        raise NotAttempted
    for key, answer in answers.items():
        if answer not in (*LOOPS, None):
            raise Unusable(f"choose among {', '.join(map(repr, LOOPS))}; {key} is {answer!r}")
        if answer != right[key]:
            return not_yet(f"look at {key} again: {reasons[key]}")
    return correct("one loop plays the game, two do not, and all three run without complaint")


def critics(count: int = 6) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Tables p and q on five places, and some critic of them, the same ones each time."""
    random = torch.Generator().manual_seed(101)
    logits = 1.5 * torch.randn(count, 2, 5, generator=random, dtype=torch.float64)
    scores = torch.randn(count, 5, generator=random, dtype=torch.float64)
    tables = torch.softmax(logits, dim=-1)
    return [(p, q, score) for (p, q), score in zip(tables, scores, strict=True)]


@exercise("1.4")
def check_1_4(at_least: Any) -> Verdict:
    """A lower bound of the Jensen-Shannon divergence, from the critic's loss."""
    for p, q, some in critics():
        truth = jensen_shannon(p, q).item()
        for score, best in ((p.log() - q.log(), True), (some, False)):
            loss = ((p * softplus(-score)).sum() + (q * softplus(score)).sum()).item()
            value = number(result(at_least, loss))
            if best and not close(value, truth, within=1e-6):
                return not_yet("for the best critic the bound is reached: solve (1.4) for JS")
            if value < 0:
                return not_yet(
                    "a critic worse than a blind one proves nothing, but JS is never < 0"
                )
            if value > truth + 1e-9:
                return not_yet("this promises more than there is")
    return correct("any critic's loss gives a lower bound, the best one's gives JS itself")


@exercise("1.5")
def check_1_5(rounds: Any, ratio: Any) -> Verdict:
    """Rounds until a simultaneous spiral has doubled, and how far from round an ellipse is."""
    state, radius, doubled = (1.0, 0.5), math.hypot(1.0, 0.5), 0
    while math.hypot(*state) < 2 * radius:
        state = (state[0] + 0.1 * state[1], state[1] - 0.1 * state[0])
        doubled += 1
    if not close(number(rounds), doubled, within=1.01):
        return not_yet("each round multiplies the distance by the same number: which, by (1.6)?")
    theta, psi, seen = 1.0, 0.5, []
    for _ in range(2000):
        psi -= 0.5 * theta
        theta += 0.5 * psi
        seen.append(math.hypot(theta, psi))
    if not close(number(ratio), max(seen) / min(seen), within=0.06):
        return not_yet("play `alternating` for many rounds; largest norm over smallest norm")
    return correct("one grows without end, the other comes back for ever: same game, same rate")


@exercise("1.6")
def check_1_6(cross_entropy: Any, wasserstein: Any) -> Verdict:
    """The weakest penalty without circling, for two games."""
    if not close(number(cross_entropy), 1.0, within=0.051):
        return not_yet("cross-entropy: at which weight does the root in (1.7) become real?")
    if not close(number(wasserstein), 2.0, within=0.051):
        return not_yet("the bilinear game turns with the eigenvalue i instead of i/2")
    return correct("twice the speed of turning asks for twice the drag")


def bilinear(data: float) -> Game:
    """The game of (1.6), with its equilibrium at (data, 0)."""

    def product(theta: Tensor, psi: Tensor) -> Tensor:
        return (psi * (theta - data)).sum()

    return Game(lambda theta, psi: -product(theta, psi), product)


@exercise("1.7")
def check_1_7(my_turn: Any) -> Verdict:
    """A rule that comes to rest in the bilinear game, wherever the data lie."""
    for data in (0.0, 0.5):
        game = bilinear(data)
        goal = torch.tensor([data, 0.0])
        still = result(my_turn, game, goal, 0.2)
        if not close(still, goal, within=1e-5):
            return not_yet("at equilibrium neither player is pulled: a rule should stay there")
        start = torch.tensor([1.0, 0.5])
        end = play(partial(my_turn, game), start, 0.2, 500)[-1]
        apart = (end - goal).norm().item()
        if not math.isfinite(apart) or apart > 0.01:
            where = "" if data == 0 else f", now that the data lie at {data}"
            return not_yet(f"after 500 rounds the game is still {apart:.2g} from rest{where}")
    return correct("it comes to rest, and where the data are; now say what it costs")
