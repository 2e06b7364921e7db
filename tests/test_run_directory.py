"""The files of a run: what comes back from them, and what is refused with a sentence."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from small_runs import NETWORKS, RECIPE, same, small_digits

from lsgan_lib.errors import BookError
from lsgan_lib.training import Recipe, RunDirectory, state_file, train


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run, to be copied by who wants to damage it."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    train(replace(RECIPE, images=24), small_digits(), folder, device="cpu")
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return RunDirectory(shutil.copytree(finished, tmp_path / "run"))


def begun(folder) -> RunDirectory:
    directory = RunDirectory(folder)
    directory.create(RECIPE)
    return directory


# --- a finished run ------------------------------------------------------------------------------


def test_a_finished_run_holds_these_files_and_no_others(run):
    files = {p.relative_to(run.path).as_posix() for p in run.path.rglob("*") if p.is_file()}
    assert files == {
        *("recipe.json", "run.json", "log.csv", "state.pt", "generator.safetensors"),
        *("samples/000000000.png", "samples/000000024.png", "best.pt"),
    }


def test_run_json_says_where_and_on_what(run):
    facts = run.facts()
    assert facts["device"] == "cpu" and facts["torch"] == torch.__version__
    assert facts["images"] == 24 and facts["seconds"] >= 0 and facts["images_per_second"] > 0
    assert facts["data"]["name"] == "small digits" and facts["data"]["count"] == 50
    assert facts["data"]["sha256"] == small_digits().manifest["sha256"]


def test_the_generator_of_a_run_is_the_average_in_evaluation_mode(run):
    state = run.state()
    generator = run.generator()
    assert not generator.training
    assert same(generator.state_dict(), state["average"])


def test_half_precision_weights_are_read_into_single_precision(run):
    path = run.path / "generator.safetensors"
    full = safetensors.torch.load(path.read_bytes())
    half = {n: v.half() if v.is_floating_point() else v for n, v in full.items()}
    path.write_bytes(safetensors.torch.save(half))
    for name, value in run.generator().state_dict().items():
        assert value.dtype == full[name].dtype
        torch.testing.assert_close(value, full[name], rtol=1e-3, atol=1e-4)


# --- the log -------------------------------------------------------------------------------------


def test_the_log_comes_back_with_gaps_as_nan(tmp_path):
    run = begun(tmp_path / "run")
    rows = [
        {"images": 1_260_032.0, "epoch": 21.000533, "critic_loss": 0.123456789},
        {"images": 123_456_789.0, "critic_loss": math.inf, "penalty": math.nan},
    ]
    run.write_log(rows)
    first, second = run.log()
    assert first["images"] == 1_260_032 and second["images"] == 123_456_789  # counts are exact
    assert first["critic_loss"] == pytest.approx(0.123456789, rel=1e-5)
    assert second["critic_loss"] == math.inf
    assert all(math.isnan(x) for x in (first["penalty"], second["penalty"], second["epoch"]))
    header = (run.path / "log.csv").read_text().splitlines()[0]
    assert header.startswith("images,epoch,critic_loss,generator_loss,score_real,score_fake")


def test_a_log_that_is_missing_or_damaged_is_one_sentence(run):
    (run.path / "log.csv").write_text("images,epoch\nmany,1\n")
    with pytest.raises(BookError, match=r"log\.csv cannot be read"):
        run.log()
    (run.path / "log.csv").unlink()
    with pytest.raises(BookError, match=r"log\.csv cannot be read"):
        run.log()


def test_pictures_are_found_in_the_order_of_their_moments(tmp_path):
    run = begun(tmp_path / "run")
    for shown in (1_000_000, 0, 60_032):
        run.write_samples(shown, b"png")
    assert list(run.samples()) == [0, 60_032, 1_000_000]
    assert run.samples()[60_032].name == "000060032.png"


# --- beginning -----------------------------------------------------------------------------------


def test_a_folder_with_a_run_is_not_begun_again(run):
    before = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}
    with pytest.raises(BookError, match=r"already holds a run.*`lsgan resume .*--out"):
        train(RECIPE, small_digits(), run.path, device="cpu")
    assert {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()} == before


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BookError, match="cannot make the folder"):
        begun(tmp_path / "file" / "run")


def test_what_a_killed_process_had_begun_to_write_is_cleared_away(tmp_path):
    """And nothing else that looks alike: the folder may be the reader's own."""
    ours = [
        *(".recipe.json.123.part", ".state.pt.123.link.part", ".generator.safetensors.123.part"),
        *("samples/.000000000.png.123.part", "states/.000060000.pt.123.part"),
        "states/.000060000.pt.123.link.part",
    ]
    others = [".part", ".thesis.tex.part", ".thesis.part", "my/.state.pt.123.part", "a.123.part"]
    for left in (*ours, *others):
        (tmp_path / left).parent.mkdir(exist_ok=True)
        (tmp_path / left).write_bytes(b"half")
    begun(tmp_path)
    left = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert left == {"recipe.json", *others}


@pytest.mark.parametrize("ask", [RunDirectory.recipe, RunDirectory.generator])
def test_a_folder_without_a_run_is_one_sentence(tmp_path, ask):
    with pytest.raises(BookError, match="is not a run directory: it has no recipe.json"):
        ask(RunDirectory(tmp_path))
    assert not RunDirectory(tmp_path).exists() and RunDirectory(tmp_path).facts() == {}


# --- damage --------------------------------------------------------------------------------------


def test_a_state_of_another_recipe_is_one_sentence(run):
    path = run.path / "recipe.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seed": 99}))
    with pytest.raises(BookError, match="belongs to another recipe"):
        run.state()


def test_a_setting_that_was_unknown_when_the_state_was_written_has_its_default(run):
    """So a version that adds a setting can go on with the runs of the one before."""
    content = state_file.read(run.path / "state.pt")
    assert content["recipe"].pop("weight_decay") == Recipe.weight_decay
    state_file.write(run.path / "state.pt", content)
    assert run.state()["shown"] == 24
    assert content["recipe"].pop("seed") != Recipe.seed
    state_file.write(run.path / "state.pt", content)
    with pytest.raises(BookError, match="belongs to another recipe"):
        run.state()


def test_a_run_of_the_older_format_is_read(tmp_path):
    run = RunDirectory(shutil.copytree(Path(__file__).parent / "state_format_1", tmp_path / "run"))
    state = run.state()
    assert state["shown"] == 160 and "tick" in state and "recipe" not in state


def test_no_state_is_no_error(run):
    for name in ("state.pt", "best.pt"):
        (run.path / name).unlink()
    assert run.state() is None


def test_weights_that_are_missing_damaged_or_another_s_are_one_sentence(run):
    path = run.path / "generator.safetensors"
    whole = path.read_bytes()
    other = replace(NETWORKS, z_dim=5).generator(torch.Generator())
    for content in (
        whole[: len(whole) // 2],
        b"",
        safetensors.torch.save(dict(other.state_dict())),
        safetensors.torch.save({"a": torch.ones(1)}),
    ):
        path.write_bytes(content)
        with pytest.raises(BookError, match="does not hold the weights") as caught:
            run.generator()
        assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(BookError, match="there are no weights in"):
        run.generator()


def test_states_hold_tensors_and_plain_values_only(run):
    """So that loading them can never run code."""
    loaded = torch.load(run.path / "state.pt", weights_only=True)
    assert {"recipe", "shown", "generator", "critic", "average", "history"} <= loaded.keys()
