"""Recipes: what they refuse, how they travel as JSON, and how two of them are told apart."""

import dataclasses
import json
import math
from dataclasses import replace
from typing import Any, get_args

import pytest
from small_runs import RECIPES as SMALL

from lsgan_lib.errors import BookError
from lsgan_lib.latent import Noise
from lsgan_lib.losses.objectives import (
    AnyObjective,
    CrossEntropy,
    LeastSquares,
    LossSensitive,
    Penalty,
    Wasserstein,
)
from lsgan_lib.networks import AnyNetworks, LeastSquaresNetworks, MLPNetworks
from lsgan_lib.training import RECIPES, Recipe, recipe
from lsgan_lib.training.recipe import differences, from_json, to_json

KINDS = ["gradient_norm", "interpolates", "dragan", "two_point", "finite_difference"]


def through_a_file(content: Recipe) -> Recipe:
    return from_json(json.loads(json.dumps(to_json(content))))


# --- as JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPES)
def test_every_named_recipe_comes_back_from_json(name):
    assert through_a_file(RECIPES[name]) == RECIPES[name]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("objective", [LeastSquares, CrossEntropy, Wasserstein, LossSensitive])
def test_every_penalty_of_every_objective_comes_back_from_json(objective, kind):
    penalty = Penalty(kind=kind, weight=3.5, power=2, reduce="pixel", target=0.5, sigma=0.1)
    for asked in (penalty, None):
        before = Recipe(objective=objective(penalty=asked))
        assert through_a_file(before) == before


def test_every_kind_that_a_recipe_can_hold_comes_back_from_json():
    """So that a family or objective that is added later cannot be forgotten."""
    for networks in get_args(AnyNetworks):
        assert through_a_file(Recipe(networks=networks())) == Recipe(networks=networks())
    for objective in get_args(AnyObjective):
        assert through_a_file(Recipe(objective=objective())) == Recipe(objective=objective())
    for small in SMALL.values():
        assert through_a_file(small) == small


def test_json_holds_every_setting_by_name():
    content = to_json(Recipe(objective=LeastSquares(a=-1.0, b=1.0, c=0.0), seed=5))
    assert content.keys() == {field.name for field in dataclasses.fields(Recipe)}
    assert content["objective"] == {
        "kind": "LeastSquares",
        **{"a": -1.0, "b": 1.0, "c": 0.0, "penalty": None},
    }
    assert content["networks"]["kind"] == "LeastSquaresNetworks" and content["seed"] == 5


def test_settings_that_a_file_does_not_name_are_the_defaults():
    assert from_json({}) == Recipe()
    old = {"seed": 4, "networks": {"kind": "MLPNetworks", "hidden": 7}}
    assert from_json(old) == Recipe(seed=4, networks=MLPNetworks(hidden=7))


@pytest.mark.parametrize(
    "content",
    [
        {"sede": 1},
        {"networks": {"kind": "ResNet"}},
        {"networks": {"size": 28}},
        {"networks": {"kind": "MLPNetworks", "size": 28}},
        {"objective": {"kind": "LeastSquares", "penalty": {"kind": "spectral"}}},
        {"objective": {"kind": "LossSensitive", "slope": 2.0}},
        {"objective": {"kind": ["LeastSquares"]}},
        {"batch_size": -3},
        {"batch_size": "many"},
        {"images": None},
        [],
        "recipe",
        None,
    ],
)
def test_json_that_is_no_recipe_is_one_sentence(content: Any):
    with pytest.raises(BookError, match="not a recipe that this version understands") as caught:
        from_json(content)
    assert "\n" not in str(caught.value)


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("images", "batch_size", "critic_steps", "generator_steps", "critic_lr", "generator_lr"),
        *("average_half_life", "tick", "samples_every", "state_every", "sample_count", "lr_drop"),
        *("first", "lr_drop_every", "clip_weights"),
    ],
)
@pytest.mark.parametrize("value", [0, -3, math.nan, math.inf])
def test_what_must_be_positive_is_refused_otherwise(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive number"):
        Recipe(**{name: value})


@pytest.mark.parametrize(
    "settings",
    [
        {"beta1": 1.0},
        {"beta1": -0.1},
        {"beta2": 1.0},
        {"beta2": math.nan},
        {"weight_decay": -1e-4},
        {"weight_decay": math.nan},
        {"average_ramp": -0.05},
        {"noise": "gaussian"},
        {"optimiser": "sgd"},
    ],
)
def test_other_settings_have_their_ranges(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        Recipe(**settings)


def test_the_ends_of_the_ranges_are_allowed():
    Recipe(beta1=0.0, beta2=0.0, weight_decay=0.0, average_ramp=0.0, lr_drop=1.0, batch_size=1)


def test_a_recipe_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().seed = 1


# --- differences ---------------------------------------------------------------------------------


def test_differences_name_each_setting_with_both_values():
    old = Recipe()
    new = replace(old, seed=1, networks=LeastSquaresNetworks(z_dim=2), first=500)
    assert differences(old, old) == []
    assert sorted(differences(old, new)) == [
        "first: None, now 500",
        "networks.z_dim: 100, now 2",
        "seed: 0, now 1",
    ]
    assert "seed: 1, now 0" in differences(new, old)


def test_differences_of_another_kind_name_the_kind_and_its_settings():
    lines = differences(Recipe(), Recipe(objective=CrossEntropy()))
    assert "objective.kind: LeastSquares, now CrossEntropy" in lines
    assert (
        "objective.a: 0.0, now None" in lines and "objective.saturating: None, now False" in lines
    )


def test_a_penalty_that_comes_is_a_difference():
    lines = differences(Recipe(), Recipe(objective=LeastSquares(penalty=Penalty(weight=2.0))))
    assert "objective.penalty.weight: None, now 2.0" in lines


# --- by name -------------------------------------------------------------------------------------


def test_named_recipes_are_found_and_typing_mistakes_get_a_suggestion():
    assert recipe("mnist-least-squares") is RECIPES["mnist-least-squares"]
    with pytest.raises(BookError, match="Did you mean mnist-least-squares?"):
        recipe("mnist-leest-squares")
    with pytest.raises(BookError, match="no recipe called 'cats'. `lsgan recipes` lists"):
        recipe("cats")


def test_the_recipes_are_those_of_the_two_papers():
    """Settings that both papers and seeds agree upon; a slip here would cost hours of training."""
    for name, named in RECIPES.items():
        assert (named.beta1, named.beta2, named.optimiser) == (0.5, 0.999, "adam"), name
        assert isinstance(named.networks, MLPNetworks) == (named.data == "seed_ring")
        sensitive = isinstance(named.objective, LossSensitive)
        noise: Noise = "normal" if sensitive or named.data == "seed_ring" else "uniform"
        assert named.noise == noise, name
    digits = RECIPES["mnist-least-squares"]
    assert digits.objective == LeastSquares(a=0.0, b=1.0, c=1.0)
    assert (digits.critic_lr, digits.generator_lr) == (2e-4, 2e-4)
    assert digits.images >= 21 * 60_000 and digits.networks.dropout == 0.5
    faces = RECIPES["faces-loss-sensitive"]
    assert faces.objective.margin_scale == 2e-4 and faces.batch_size == 64
    published = RECIPES["faces-slope-as-published"].objective  # one bug in each of two fields
    assert (published.pairing, published.penalty.reduce) == ("all", "pixel")
    assert (published.slope, published.penalty.weight, published.penalty.power) == (0.0, 10.0, 1)
    for name, slope in {"zero": 0.0, "leaky": 0.01, "minus-one": -1.0, "one": 1.0}.items():
        corrected = RECIPES[f"faces-slope-{name}"]
        assert corrected.objective == LossSensitive(slope=slope), name
        assert (corrected.critic_lr, corrected.generator_lr) == (2e-4, 2e-4), name
