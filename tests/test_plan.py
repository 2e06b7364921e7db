"""`--dry-run`: the numbers are right, every setting is there, and nothing is made."""

import dataclasses
import typing
from dataclasses import replace

import pytest
from small_runs import NETWORKS, RECIPE, RECIPES, small_digits_in

from lsgan_lib.data import mnist_files
from lsgan_lib.losses.objectives import AnyObjective, LossSensitive, Penalty
from lsgan_lib.networks import AnyNetworks, MLPNetworks
from lsgan_lib.training import Recipe, RunDirectory
from lsgan_lib.training.plan import _comments, plan


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, and no data but what lies there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    return tmp_path


def read(text):
    """The sections as {title: {name: [value, comment]}}, and the sentences at the end."""
    *sections, notes = text.split("\n\n")
    tables = {}
    for section in sections:
        title, *lines = section.splitlines()
        cells = [[c.strip() for c in line.split("  ") if c.strip()] for line in lines]
        tables[title] = {name: rest for name, *rest in cells}
    return tables, notes.splitlines()


def planned(recipe, folder="run", **asked):
    return read(plan(recipe, folder, **{"device": "cpu", **asked}))


@pytest.mark.parametrize("name", RECIPES)
def test_every_setting_stands_there_with_its_value_and_its_comment(here, name):
    small_digits_in(here / "digits")
    recipe = replace(RECIPES[name], batch_size=7, seed=77)
    settings = planned(recipe)[0]["settings"]

    def check(part, prefix):
        for field in dataclasses.fields(part):
            value, comment = settings.pop(prefix + field.name.replace("_", "-"))
            part_value = getattr(part, field.name)
            if dataclasses.is_dataclass(part_value):
                assert value == type(part_value).__name__
                check(part_value, f"{prefix}{field.name.replace('_', '-')}.")
            else:
                assert value == str(part_value)
            assert len(comment) > 5

    check(recipe, "")
    assert settings == {}


def test_a_comment_is_the_one_in_the_source_of_the_class_or_of_its_parents():
    for kind in (Recipe, Penalty, *typing.get_args(AnyNetworks), *typing.get_args(AnyObjective)):
        assert {f.name for f in dataclasses.fields(kind)} <= _comments(kind).keys(), kind
    assert _comments(Recipe)["batch_size"] == "images a step"
    (dcgan,) = (k for k in typing.get_args(AnyNetworks) if k.__name__ == "DCGANNetworks")
    assert _comments(dcgan)["channels"] == "1 grey, 3 colour"


def test_parameters_are_counted(here):
    """MLPs with biases: 3 -> 8 -> 8 -> 2 and 2 -> 8 -> 8 -> 1."""
    networks = planned(RECIPES["points"])[0]["networks"]
    assert RECIPES["points"].networks == MLPNetworks(z_dim=3, hidden=8)
    assert networks["generator"] == [str(32 + 72 + 18), "parameters"]
    assert networks["critic"] == [str(24 + 72 + 9), "parameters"]


def test_steps_epochs_and_memory(here):
    """Fifty images of 8 x 8 bytes; 1,001 images wanted, 3 x 8 a step."""
    small_digits_in(here / "small")
    recipe = replace(RECIPE, data="small", images=1_001, critic_steps=3, generator_steps=2)
    tables, notes = planned(recipe)
    assert tables["course"] == {
        "steps": ["42", "126 updates of the critic, 84 of the generator"],
        "images a step": ["24", "3 batches of 8"],
        "epochs": ["20.02", "of 50 images"],
    }
    assert tables["data"] == {"pixels": ["3,200 bytes", "50 images of 1 x 8 x 8"]}
    assert notes == ["Nothing was trained or written."]
    first = planned(replace(recipe, first=20))[0]
    assert first["course"]["epochs"] == ["50.05", "of 20 images"]
    assert first["data"]["pixels"] == ["1,280 bytes", "20 images of 1 x 8 x 8"]


def test_points_need_no_memory(here):
    tables, _ = planned(replace(RECIPES["points"], images=250_000))
    assert tables["data"]["pixels"][0] == "none"
    assert tables["course"]["epochs"] == ["2.5", "of 100,000 images"]


def test_it_says_where_and_how(here):
    asked = {"engine": "eager", "precision": "bf16", "processes": 4}
    tables, notes = planned(replace(RECIPE, data="digits"), "some/run", **asked)
    assert tables["run"] == {
        "folder": ["some/run"],
        "device": ["cpu", "4 processes"],
        "engine": ["eager"],
        "precision": ["bf16"],
    }
    assert tables["course"]["images a process"] == ["2", "of each batch"]
    assert planned(RECIPE)[0]["run"]["precision"] == ["auto", "measured when it starts"]


def test_data_that_are_not_there_are_named_and_the_rest_is_told(here):
    tables, (said, _) = planned(replace(RECIPE, data="cats"))
    assert "refused: there are no data called 'cats'" in said
    assert tables["data"]["pixels"][0] == tables["course"]["epochs"][0] == "unknown"
    assert tables["course"]["steps"][0] == "12" and "generator" in tables["networks"]


def test_mnist_is_not_downloaded_for_a_plan(here, monkeypatch):
    monkeypatch.setattr(mnist_files, "_download", lambda _: pytest.fail("downloaded"))
    recipe = replace(RECIPE, data="mnist", networks=replace(NETWORKS, size=28))
    tables, (said, _) = planned(recipe)
    assert f"MNIST is not in {here / 'mnist'}: this run would download it" in said
    assert tables["course"]["epochs"][0] == "unknown"


def test_each_reason_to_refuse_the_run_is_told(here):
    small_digits_in(here / "small")
    RunDirectory("run").create(RECIPE)
    recipe = replace(RECIPE, data="small")
    for changed, asked, said in [
        ({}, {}, "run already holds a run"),
        ({}, {"device": "tpu"}, "the device 'tpu' is not here"),
        ({}, {"engine": "graph"}, "graph"),
        ({}, {"precision": "tf32"}, "precision tf32 is not for the device cpu"),
        ({}, {"processes": 3}, "cannot be shared equally by 3 processes"),
        ({"first": 51}, {}, "holds 50 images, so 51 cannot be taken"),
        ({"networks": replace(NETWORKS, size=28)}, {}, "built for images of shape (1, 28, 28)"),
        ({"data": "ring"}, {}, "need networks of the kind MLPNetworks"),
    ]:
        tables, notes = planned(replace(recipe, **changed), **asked)
        assert "run already holds a run" in " ".join(notes)
        assert any(
            note.startswith("This run would be refused: ") and said in note for note in notes
        )
        assert len(notes) == (3 if changed or asked else 2)
        assert {"settings", "networks", "data", "course", "run"} == tables.keys()


def test_nothing_is_written_and_no_step_is_made(here, monkeypatch):
    from lsgan_lib.training.loop import Trainer

    monkeypatch.setattr(Trainer, "step", lambda _: pytest.fail("trained"))
    planned(replace(RECIPES["loss-sensitive, slope penalty"], objective=LossSensitive()))
    assert list(here.iterdir()) == []
