"""The table of runs without BatchNorm: its settings, its rule on planted cases, a small run."""

import json
import warnings
from dataclasses import asdict, replace

import pytest
import torch

from lsgan_lib.data import to_float
from lsgan_lib.errors import BookError
from lsgan_lib.experiments import to_the_end, without_norm
from lsgan_lib.experiments.filling import name_of
from lsgan_lib.experiments.tables import load_pictures, load_table
from lsgan_lib.experiments.to_the_end import train_to_the_end
from lsgan_lib.experiments.without_norm import (
    NORMS,
    OBJECTIVES,
    OPTIMISERS,
    Rule,
    Settings,
    base_distance,
    judged,
    keys,
    make_table,
    measures,
    recipe_of,
    small_digits,
    verdict,
)
from lsgan_lib.losses.objectives import CrossEntropy, LeastSquares

DATA = small_digits()
SHOWN, HELD = DATA.first(4_000), to_float(DATA.images[-1_000:])
OTHERS = to_float(SHOWN.images[:1_000])
BASE = measures(OTHERS, HELD, SHOWN)["distance"]  # digits the judge has not seen: a perfect base
TINY = Settings(images=16, batch_size=8, held_back=500, seeds=1, precision="fp32")


def judge(samples: torch.Tensor, base: float = 0.2) -> str:
    return verdict({"finite": True, **measures(samples, HELD, SHOWN)}, base)


# --- the recorded table --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    return load_table("without_norm")


def test_the_table_was_made_with_todays_settings_and_rule(table):
    assert table["settings"] == asdict(Settings())
    assert table["rule"] == asdict(Rule())
    assert table["command"] == "python -m lsgan_lib.experiments.without_norm"


def test_every_cell_is_there_with_all_its_seeds(table):
    recorded = [name_of({k: row[k] for k in keys(Settings())[0]}) for row in table["runs"]]
    assert recorded == [name_of(key) for key in keys(Settings())]
    assert len(recorded) == len(NORMS) * len(OPTIMISERS) * len(OBJECTIVES) * Settings().seeds
    assert Settings().seeds >= 3


def test_every_row_holds_measures_or_says_that_there_are_none(table):
    pictures = load_pictures("without_norm")
    for row in table["runs"]:
        name = name_of({k: row[k] for k in keys(Settings())[0]})
        assert pictures[name].shape == (8, 14, 14)
        assert row["seconds"] > 0
        if row["finite"]:
            assert row["distance"] > 0 and 0 <= row["agreement"] <= 1
            assert sum(row["shares"]) == pytest.approx(1, abs=1e-3)
            assert row["classes"] == sum(share >= 0.01 for share in row["shares"])
        else:
            assert "not finite" in row["warned"][-1]
    assert {row["verdict"] for row in judged(table)} <= {
        *("drawn", "collapsed", "no digits", "not finite")
    }


def test_what_the_real_row_says_is_what_real_digits_measure(table):
    assert table["real"] == measures(HELD, OTHERS, SHOWN)
    assert verdict({"finite": True, **table["real"]}, base_distance(table["runs"])) == "drawn"


# --- the rule, on cases that are known -----------------------------------------------------------


def test_real_digits_are_drawn():
    assert judge(OTHERS) == "drawn"
    assert judge(OTHERS, base=BASE) == "drawn"


def test_one_digit_over_and_over_has_collapsed():
    one = OTHERS[3:4].expand(1_000, -1, -1, -1)
    assert measures(one, HELD, SHOWN)["classes"] == 1
    assert measures(one, HELD, SHOWN)["spread"] == pytest.approx(0, abs=1e-6)
    assert judge(one) == "collapsed"


def test_a_single_class_has_collapsed_though_it_varies():
    """Ones of all kinds: each looks real, nine digits are missing."""
    ones = to_float(SHOWN.images[SHOWN.labels == 1])
    ones = ones.repeat(3, 1, 1, 1)[:1_000]
    found = measures(ones, HELD, SHOWN)
    assert found["agreement"] > 0.95 and found["classes"] <= 2
    assert judge(ones) == "collapsed"


def test_four_classes_have_collapsed_and_five_have_not():
    for most, word in ((4, "collapsed"), (5, "drawn")):
        some = to_float(SHOWN.images[SHOWN.labels < most])
        few = some.repeat(2, 1, 1, 1)[:1_000]
        row = {"finite": True, **measures(few, HELD, SHOWN), "classes": most}
        assert verdict(row, 1.0) == word


def test_blank_pictures_have_collapsed_and_noise_is_no_digits():
    """A black square has neighbours that agree: legibility alone would pass it."""
    blank = torch.full_like(HELD, -1.0)
    assert measures(blank, HELD, SHOWN)["agreement"] > 0.6
    assert judge(blank) == "collapsed"
    random = torch.Generator().manual_seed(0)
    noise = torch.rand(HELD.shape, generator=random) * 2 - 1
    row = {"finite": True, **measures(noise, HELD, SHOWN), "classes": 10}
    assert row["spread"] > 0.5 and verdict(row, 0.2) == "no digits"


def test_the_share_of_a_class_counts_from_one_percent():
    ones, twos = (to_float(SHOWN.images[SHOWN.labels == d]) for d in (1, 0))
    for zeros, classes in ((9, 1), (10, 2)):
        mixed = torch.cat(
            [ones.repeat(4, 1, 1, 1)[: 1_000 - zeros], twos[:1].repeat(zeros, 1, 1, 1)]
        )
        found = measures(mixed, HELD, SHOWN)
        clean = [share for share in found["shares"] if share < 0.005]
        assert found["classes"] == classes, found["shares"]
        assert len(clean) >= 8


def test_the_base_is_the_median_of_finite_runs_that_keep_batchnorm():
    runs = [
        {"norm": norm, "finite": finite, "distance": distance}
        for norm, finite, distance in [
            *(("both", True, 0.1), ("both", True, 0.3), ("both", True, 0.2)),
            *(("neither", True, 9.0), ("both", False, 0.0)),
        ]
    ]
    assert base_distance(runs) == 0.2
    with pytest.raises(ValueError, match="no finite run keeps BatchNorm"):
        base_distance(runs[3:])


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"finite": False}, "not finite"),
        ({"finite": True, "spread": 0.49, "classes": 10, "distance": 0.1}, "collapsed"),
        ({"finite": True, "spread": 1.0, "classes": 4, "distance": 0.1}, "collapsed"),
        ({"finite": True, "spread": 1.0, "classes": 10, "distance": 0.21}, "no digits"),
        ({"finite": True, "spread": 0.5, "classes": 5, "distance": 0.2}, "drawn"),
    ],
)
def test_the_rule_at_its_borders(row, word):
    assert verdict(row, base=0.1) == word


# --- recipes -------------------------------------------------------------------------------------


def test_a_key_becomes_networks_optimiser_and_coding():
    made = {name_of(key): recipe_of(key, Settings()) for key in keys(Settings())}
    assert len(made) == len(keys(Settings())) == len(set(made))
    bare = made["neither rmsprop least squares (0,1,1) 1"]
    assert (bare.networks.generator_norm, bare.networks.critic_norm) == (False, False)
    assert bare.optimiser == "rmsprop" and bare.seed == 1
    assert bare.objective == LeastSquares(a=0.0, b=1.0, c=1.0)
    half = made["critic only adam cross-entropy 0"]
    assert (half.networks.generator_norm, half.networks.critic_norm) == (False, True)
    assert half.objective == CrossEntropy(saturating=False)
    base = made["both adam least squares (0,1,1) 0"]
    assert (base.networks.generator_norm, base.networks.critic_norm) == (True, True)
    assert all(recipe.watch == "warn" for recipe in made.values())


# --- a small run of the whole --------------------------------------------------------------------


def test_a_tiny_table_is_made_resumed_and_not_made_twice(tmp_path, monkeypatch):
    two = keys(TINY)[:2]
    monkeypatch.setattr(without_norm, "keys", lambda settings: two)
    out, real, ran = tmp_path / "tiny.json", without_norm.train_to_the_end, []

    def stopped(recipe, *rest):
        ran.append(recipe.objective)
        if len(ran) == 2:
            raise KeyboardInterrupt
        return real(recipe, *rest)

    monkeypatch.setattr(without_norm, "train_to_the_end", stopped)
    with pytest.raises(KeyboardInterrupt):
        make_table(out, TINY)
    assert len(json.loads(out.read_text())["runs"]) == 1
    table = make_table(out, TINY)
    usual, pearson = list(OBJECTIVES.values())[:2]
    assert ran == [usual, pearson, pearson]  # the run that was stopped begins anew
    make_table(out, TINY)
    assert len(ran) == 3  # what is there is not run again
    assert [row["finite"] for row in table["runs"]] == [True, True]
    assert {"distance", "spread", "agreement", "classes", "average"} <= table["runs"][0].keys()
    with pytest.raises(BookError, match="images differ"):
        make_table(out, replace(TINY, images=24))


def test_numbers_that_are_none_are_recorded_as_such():
    key = keys(TINY)[0]
    recipe = replace(recipe_of(key, TINY), critic_lr=1e30, generator_lr=1e30, images=160, tick=8)
    trainer, told = train_to_the_end(recipe, DATA.first(20), "fp32")
    assert trainer is None and "not finite" in told[-1]


def test_the_watch_is_heard_but_does_not_stop_a_run_and_other_warnings_pass(monkeypatch):
    def noisy(recipe, data, **how):
        warnings.warn("the samples have collapsed at 6 images: they differ by 1 %.", stacklevel=2)
        warnings.warn("something else altogether", stacklevel=2)
        return "trainer"

    monkeypatch.setattr(to_the_end, "train", noisy)
    recipe = recipe_of(keys(TINY)[0], TINY)
    with pytest.warns(UserWarning, match="something else") as heard:
        trainer, told = train_to_the_end(recipe, DATA, "fp32")
    assert trainer == "trainer" and len(heard) == 1
    assert told == ["the samples have collapsed at 6 images: they differ by 1 %."]
    with pytest.raises(ValueError, match="must be"):
        train_to_the_end(replace(recipe, watch="stop"), DATA, "fp32")


def test_errors_that_are_not_the_runs_own_are_raised(monkeypatch):
    def full(recipe, data, **how):
        raise BookError("the disk is full.")

    monkeypatch.setattr(to_the_end, "train", full)
    with pytest.raises(BookError, match="disk is full"):
        train_to_the_end(recipe_of(keys(TINY)[0], TINY), DATA, "fp32")
