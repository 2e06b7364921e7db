"""The table of digits that hardly vary: the family, its measures on planted cases, a small run."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch import nn

from data_prep.digits_shifted import DigitsShifted, moved
from lsgan_lib.data import digits, to_float
from lsgan_lib.errors import BookError
from lsgan_lib.experiments import small_variability
from lsgan_lib.experiments.filling import name_of
from lsgan_lib.experiments.shifted_family import ShiftedFamily, pictures
from lsgan_lib.experiments.small_variability import (
    SETS,
    Rule,
    Settings,
    judged,
    keys,
    make_table,
    recipe_of,
    task_of,
    verdict,
)
from lsgan_lib.experiments.tables import load_pictures, load_table
from lsgan_lib.networks import SmallDigitsNetworks

TASK = task_of("shift", Settings())
FAMILY, HELD = TASK.family, TASK.held
TINY = Settings(images=16, batch_size=8, count=2, samples=20, seeds=1, precision="fp32")


def judge(samples: torch.Tensor) -> str:
    return verdict({"finite": True, **FAMILY.measures(samples, HELD)})


# --- the recorded table --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    return load_table("small_variability")


def test_the_table_was_made_with_todays_settings_and_rule(table):
    assert table["settings"] == asdict(Settings())
    assert table["rule"] == asdict(Rule())
    assert table["command"] == "python -m lsgan_lib.experiments.small_variability"


def test_every_cell_is_there_with_all_its_seeds(table):
    names = [name_of(key) for key in keys(Settings())]
    assert [name_of({k: row[k] for k in keys(Settings())[0]}) for row in table["runs"]] == names
    assert len(names) == 3 * 3 * Settings().seeds and Settings().seeds >= 3
    assert set(load_pictures("small_variability")) == set(names)


def test_rows_hold_shares_that_are_shares(table):
    for row in judged(table):
        assert row["verdict"] in ("drawn", "collapsed", "off the family", "not finite")
        if row["finite"]:
            assert sum(row["shares"]) == pytest.approx(row["precision"], abs=1e-3)
            assert 0 <= row["recall"] <= 1 and row["distance"] > 0
            assert row["digits"] == sum(share >= 0.01 for share in row["shares"])


def test_what_the_real_row_says_is_what_the_set_itself_measures(table):
    found = FAMILY.measures(to_float(TASK.shown.images[: len(HELD)]), HELD)
    recorded = dict(table["real"]["shift"])
    assert recorded.pop("tolerance") == pytest.approx(FAMILY.tolerance)
    assert recorded.pop("shares") == pytest.approx(found.pop("shares"))
    assert recorded == pytest.approx(found)


# --- the sets ------------------------------------------------------------------------------------


def test_pictures_are_those_that_the_packer_makes():
    source = DigitsShifted(count=3, rotate=10)
    job, made = source.job(), pictures(source)
    assert len(made) == 30 and made.name == job.name
    for item, image, label in zip(job.items, made.images, made.labels, strict=True):
        assert np.array_equal(job.make(item).pixels, image.numpy()) and item.label == label


def test_held_pictures_are_of_the_family_but_not_of_the_set():
    assert HELD.shape == (Settings().samples, 1, 28, 28)
    shown = {image.tobytes() for image in TASK.shown.images.numpy()}
    held = pictures(DigitsShifted(count=Settings().samples // 10), first=Settings().count)
    assert torch.equal(to_float(held.images), HELD)
    both = sum(image.tobytes() in shown for image in held.images.numpy())
    assert both < 0.1 * len(held)  # the sets overlap only where bytes round two shifts to one


# --- the family: members, and strangers at known distances ---------------------------------------


def a_member(digit: int, shift: float, angle: float = 0.0) -> torch.Tensor:
    still = pictures(DigitsShifted(count=1, shift=0)).images[digit, 0].numpy()
    return to_float(torch.from_numpy(moved(still, shift, angle)))[None, None]


@pytest.mark.parametrize(("digit", "shift"), [(0, 0.0), (3, -2.0), (7, 1.25), (9, 2.0)])
def test_a_member_of_the_grid_is_at_distance_zero_and_found(digit, shift):
    distance = (FAMILY.images - a_member(digit, shift)).square().mean(dim=(1, 2, 3)).sqrt()
    row = distance.argmin()
    assert distance[row] == 0
    assert FAMILY.digit[row] == digit and FAMILY.shift[row] == pytest.approx(shift)


def test_between_two_grid_points_the_distance_is_that_of_a_sixteenth_of_a_pixel():
    """Interpolation is linear within a pixel, so a 16th is an eighth of half a pixel's way."""
    middle = a_member(4, 0.1875)
    found = FAMILY.measures(middle.expand(20, -1, -1, -1), HELD[:20])["distance"]
    still, half = a_member(4, 0.0), a_member(4, 0.5)
    way = (still - half).square().mean().sqrt().item()
    assert found == pytest.approx(way / 8, abs=2e-3)  # bytes are rounded


def test_a_stranger_is_as_far_as_it_was_put():
    """One pixel far from all ink, moved by 2: the distance is sqrt(2^2 / 784)."""
    stranger = a_member(1, 0.0).clone()
    assert stranger[0, 0, 0, 0] == -1
    stranger[0, 0, 0, 0] = 1.0
    found = FAMILY.measures(stranger.expand(20, -1, -1, -1), HELD[:20])
    assert found["distance"] == pytest.approx(2 / 28, rel=1e-4)
    assert found["precision"] == 1.0  # within the tolerance: half a pixel's shift moves more
    assert FAMILY.tolerance > 2 / 28


def test_a_digit_shifted_too_far_and_another_handwriting_are_off_the_family():
    for shift, on in ((2.25, 1.0), (3.5, 0.0)):
        found = FAMILY.measures(a_member(5, shift).expand(20, -1, -1, -1), HELD[:20])
        assert found["precision"] == on
    book = to_float(digits().images[:2_000])
    assert FAMILY.measures(book, HELD)["precision"] < 0.15
    assert judge(book) == "off the family"


def test_an_angle_is_on_the_second_family_only():
    turned = a_member(2, 1.0, 8.0).expand(20, -1, -1, -1)
    second = ShiftedFamily.of(DigitsShifted(rotate=SETS["shift and rotate"]))
    assert second.measures(turned, HELD[:20])["distance"] == pytest.approx(0, abs=2e-3)
    assert FAMILY.measures(turned, HELD[:20])["distance"] > 0.1
    assert len(second.images) == 11 * len(FAMILY.images) == 11 * 10 * 33


# --- measures on generators that are known -------------------------------------------------------


def test_the_set_itself_is_drawn_with_all_digits_and_shifts():
    found = FAMILY.measures(to_float(TASK.shown.images[: len(HELD)]), HELD)
    assert found["precision"] == found["recall"] == 1.0 and found["digits"] == 10
    assert found["shift"] == pytest.approx(1, abs=0.05)
    assert found["distance"] < 0.1 * FAMILY.tolerance
    assert judge(to_float(TASK.shown.images[: len(HELD)])) == "drawn"


def test_one_picture_over_and_over_has_collapsed():
    one = HELD[:1].expand(len(HELD), -1, -1, -1)
    found = FAMILY.measures(one, HELD)
    assert found["digits"] == 1 and found["shift"] == 0 and found["recall"] < 0.06
    assert judge(one) == "collapsed"


def test_ten_digits_that_never_move_are_all_digits_with_no_shift():
    still = to_float(pictures(DigitsShifted(count=200, shift=0)).images)
    found = FAMILY.measures(still, HELD)
    assert found["precision"] == 1 and found["digits"] == 10 and found["shift"] == 0
    # half a pixel of four to either side: about a quarter of what there is
    assert 0.2 < found["recall"] < 0.35 and judge(still) == "collapsed"


def test_three_missing_digits_are_missed_in_their_share():
    seven = HELD[torch.arange(len(HELD)) % 10 < 7]
    samples = seven.repeat(2, 1, 1, 1)[: len(HELD)]
    found = FAMILY.measures(samples, HELD)
    assert found["digits"] == 7 and found["recall"] == pytest.approx(0.7, abs=0.02)
    assert found["shares"][7:] == [0, 0, 0]


def test_noise_is_off_the_family():
    noise = torch.rand(HELD.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = FAMILY.measures(noise, HELD)
    assert (found["precision"], found["digits"], found["shift"]) == (0.0, 0, 0.0)
    assert judge(noise) == "off the family"


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"finite": False}, "not finite"),
        ({"finite": True, "precision": 0.49, "recall": 1.0}, "off the family"),
        ({"finite": True, "precision": 0.5, "recall": 0.74}, "collapsed"),
        ({"finite": True, "precision": 0.5, "recall": 0.75}, "drawn"),
    ],
)
def test_the_rule_at_its_borders(row, word):
    assert verdict(row) == word


# --- the networks --------------------------------------------------------------------------------


def test_the_networks_are_the_published_ones():
    """FC to 4 x 4 x 512, deconvolutions 5 x 5 to 256, 128, 1; critic 20, 50, 500, 1."""
    random = torch.Generator().manual_seed(0)
    networks = SmallDigitsNetworks()
    generator, critic = networks.generator(random), networks.critic(random)
    count = sum(p.numel() for p in generator.parameters())
    entries = 4 * 4 * 512
    norms = 2 * (entries + 256 + 128)
    assert count == (100 + 1) * entries + 25 * (512 * 256 + 256 * 128 + 128) + 256 + 128 + 1 + norms
    count = sum(p.numel() for p in critic.parameters())
    assert count == 26 * 20 + (25 * 20 + 1) * 50 + (50 * 49 + 1) * 500 + 501 + 2 * (50 + 500)
    with torch.no_grad():
        images = generator(torch.randn(3, 100, generator=random))
    assert images.shape == (3, 1, 28, 28) and critic(images).shape == (3,)


@pytest.mark.parametrize("size", [8, 14, 28, 30])
def test_networks_fit_any_size_and_can_do_without_batchnorm(size):
    random = torch.Generator().manual_seed(0)
    bare = SmallDigitsNetworks(size=size, z_dim=5, width=1e-3, generator_norm=False)
    bare = replace(bare, critic_norm=False)
    generator, critic = bare.generator(random), bare.critic(random)
    images = generator(torch.randn(2, 5, generator=random))
    assert images.shape == (2, 1, size, size) and critic(images).shape == (2,)
    for network in (generator, critic):
        assert not any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in network.modules())
    thin = [m.in_channels for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert thin == [4, 4, 4]


@pytest.mark.parametrize("settings", [{"size": 0}, {"z_dim": -1}, {"width": float("nan")}])
def test_settings_that_are_not_positive_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        SmallDigitsNetworks(**settings)


# --- a small run of the whole --------------------------------------------------------------------


def test_a_tiny_table_is_made_resumed_and_not_made_twice(tmp_path, monkeypatch):
    two = keys(TINY)[:2]
    monkeypatch.setattr(small_variability, "keys", lambda settings: two)
    out, real, ran = tmp_path / "tiny.json", small_variability.train_to_the_end, []

    def stopped(recipe, *rest):
        ran.append(recipe)
        if len(ran) == 2:
            raise KeyboardInterrupt
        thin = replace(recipe, networks=replace(recipe.networks, width=1e-3))
        return real(thin, *rest)

    monkeypatch.setattr(small_variability, "train_to_the_end", stopped)
    with pytest.raises(KeyboardInterrupt):
        make_table(out, TINY)
    assert len(json.loads(out.read_text())["runs"]) == 1
    table = make_table(out, TINY)
    assert ran[1] == ran[2] != ran[0]
    make_table(out, TINY)
    assert len(ran) == 3  # what is there is not run again
    assert all({"distance", "recall", "average"} <= row.keys() for row in table["runs"])
    assert {row["verdict"] for row in judged(table)} == {
        "off the family"
    }  # two steps teach nothing
    with pytest.raises(BookError, match="images differ"):
        make_table(out, replace(TINY, images=24))


def test_a_key_becomes_a_recipe():
    recipe = recipe_of(keys(Settings())[4], Settings())
    assert recipe.networks == SmallDigitsNetworks(width=Settings().width, critic_norm=False)
    assert (recipe.watch, recipe.seed, recipe.optimiser) == ("warn", 0, "adam")
    assert len({name_of(key) for key in keys(Settings())}) == len(keys(Settings()))
