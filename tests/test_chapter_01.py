"""The checks of chapter 01 accept right answers, explain wrong ones, and stay quiet on stubs.

And the recorded table that the chapter shows is what its experiment makes today.
"""

import dataclasses
import math

import pytest
import torch
from exercise_checks import three_tests
from torch.nn.functional import logsigmoid

from lsgan_lib.exercises import chapter_01 as exercises
from lsgan_lib.experiments import critic_turns
from lsgan_lib.experiments.tables import load_pictures, load_table
from lsgan_lib.games import point_gan
from lsgan_lib.losses import cross_entropy
from lsgan_lib.training.loop import Trainer


def extragradient(game, states, rate):
    return states + rate * game.field(states + rate * game.field(states))


def with_penalty(game, states, rate):
    states = states + rate * game.field(states) * torch.tensor([0.0, 1.0])
    states = states - rate * states * torch.tensor([0.0, 1.0])
    return states + rate * game.field(states) * torch.tensor([1.0, 0.0])


LOOPS = {"A": "broadcast", "B": "fine", "C": "mixed"}
RIGHT = {
    "1.1": (exercises.check_1_1, [-1.13, 0.57]),
    "1.2": (exercises.check_1_2, [(math.log(3), -math.log(3)), 0.1308, 1.1247]),
    "1.3": (exercises.check_1_3, [LOOPS]),
    "1.4": (exercises.check_1_4, [lambda loss: max(0.0, math.log(2) - loss / 2)]),
    "1.5": (exercises.check_1_5, [140, 1.29]),
    "1.6": (exercises.check_1_6, [1.0, 2.0]),
    "1.7": (exercises.check_1_7, [extragradient]),
}


def test_the_stub_of_1_3_is_a_dictionary(capsys):
    assert not exercises.check_1_3(dict.fromkeys(LOOPS))
    assert capsys.readouterr().out == "Exercise 1.3: not attempted yet\n"


def test_other_rules_come_to_rest_too():
    assert exercises.check_1_7(with_penalty)


WRONG = [
    (exercises.check_1_1, [-0.87, 0.57], "goes down half of that"),
    (exercises.check_1_1, [-1.13, 0.634], "answers the old critic"),
    (exercises.check_1_1, [-1.13, 1.43], "generator's slope"),
    (exercises.check_1_2, [(0.75, 0.25), 0.13, 1.12], "these are probabilities"),
    (exercises.check_1_2, [(3, 1 / 3), 0.13, 1.12], "log p/q"),
    (exercises.check_1_2, [(1.0986, -1.0986), 0.26, 1.12], "mean of two KL"),
    (exercises.check_1_2, [(1.0986, -1.0986), 0.1308, -1.12], "minus the value"),
    (exercises.check_1_2, [1.0986, 0.1308, 1.12], "two scores"),
    (exercises.check_1_3, [LOOPS | {"A": "fine"}], "look at A again"),
    (exercises.check_1_3, [LOOPS | {"C": "broken"}], "choose among"),
    (exercises.check_1_3, ["fine"], "a dictionary"),
    (exercises.check_1_4, [lambda loss: math.log(2) - loss / 2], "never < 0"),
    (exercises.check_1_4, [lambda loss: max(0.0, math.log(4) - loss)], "bound is reached"),
    (exercises.check_1_5, [70, 1.29], "multiplies the distance"),
    (exercises.check_1_5, [140, 1.0], "largest norm over smallest"),
    (exercises.check_1_6, [0.5, 2.0], "become real"),
    (exercises.check_1_6, [1.0, 1.0], "instead of i/2"),
    (exercises.check_1_7, [lambda game, s, rate: game.alternating(s, rate)], "from rest"),
    (exercises.check_1_7, [lambda game, s, rate: game.simultaneous(s, rate)], "from rest"),
    (exercises.check_1_7, [lambda game, s, rate: 0.9 * s], "stay there"),
    (exercises.check_1_7, [lambda game, s, rate: s + rate], "stay there"),
]


test_accepts_a_right_answer, test_stays_quiet_on_the_stub, test_explains_a_wrong_answer = (
    three_tests(RIGHT, WRONG)
)


def test_a_round_by_differences_is_a_round_of_the_game():
    game = point_gan(cross_entropy.critic_loss, cross_entropy.generator_loss)
    state = game.alternating(torch.tensor([1.3, -0.4], dtype=torch.float64), 0.5)
    assert exercises.round_by_differences(1.3, -0.4, 0.5) == pytest.approx(state.tolist())


def by_labels(scores, labels):
    """The mistake of *What goes wrong*, as the chapter writes it."""
    return -(labels * logsigmoid(scores) + (1 - labels) * logsigmoid(-scores)).mean()


def test_the_broadcast_mistake_is_silent_and_leaves_a_blind_critic_blind():
    labels = torch.cat([torch.ones(8), torch.zeros(8)])
    sure = torch.where(labels == 1, 10.0, -10.0)
    right = by_labels(sure, labels)
    torch.testing.assert_close(2 * right, cross_entropy.critic_loss(sure[:8], sure[8:]))
    wrong = by_labels(sure[:, None], labels)
    assert right < 1e-3 and wrong > 4
    blind = torch.zeros(16, 1, requires_grad=True)
    by_labels(blind, labels).backward()
    assert blind.grad.abs().max() < 1e-8
    with pytest.raises(ValueError, match="one score per sample"):
        cross_entropy.critic_loss(sure[:8, None], sure[8:, None])


def test_without_detach_the_saturating_gradients_cancel():
    shift = torch.tensor(2.0, requires_grad=True)
    real, noise = torch.randn(16), torch.randn(16)
    cross_entropy.critic_loss(0.7 * real, 0.7 * (noise + shift)).backward()
    alone = shift.grad.item()
    cross_entropy.generator_loss(0.7 * (noise + shift), saturating=True).backward()
    assert abs(alone) > 0.01 and abs(shift.grad.item()) < 1e-7


def test_the_recorded_table_is_what_the_experiment_makes_today():
    """Change a setting, and the table must be recorded again."""
    table, settings = load_table(critic_turns.NAME), critic_turns.Settings()
    assert table["settings"] == dataclasses.asdict(settings) | {"turns": list(settings.turns)}
    cells = {(run["form"], run["turns"], run["seed"]) for run in table["runs"]}
    seeds = range(critic_turns.SEEDS)
    assert cells >= {(f, t, s) for f in critic_turns.FORMS for t in settings.turns for s in seeds}
    assert len(load_pictures(critic_turns.NAME)) == len(table["runs"])
    for run in table["runs"]:
        assert 0 < run["divergence"] < math.log(2) and len(run["curve"]) == settings.looks


@pytest.mark.slow
def test_a_short_run_of_the_experiment_measures_what_it_says():
    settings = critic_turns.Settings(rounds=20, looks=2, samples=300, kept=30)
    key = {"form": "saturating", "turns": 2, "seed": 3}
    outcome, points = critic_turns.run(key, settings)
    again, _ = critic_turns.run(key, settings)
    assert outcome == again and points.shape == (30, 2) and len(outcome["curve"]) == 2
    recipe = critic_turns.recipe_of(2, saturating=True, rounds=20, looks=2, seed=3)
    assert recipe.objective.saturating and recipe.critic_steps == 2
    assert recipe.images == 20 * 2 * 128
    assert isinstance(Trainer(recipe, None), Trainer)
