"""The files of a run: what comes back from them, and what is refused with a sentence."""

import io
import json
import math
import os
import pickle
import shutil
from dataclasses import replace

import pytest
import safetensors.torch
import torch
from full_disk import full_disk
from small_runs import NETWORKS, RECIPE, same, small_digits

from lsgan_lib.errors import BookError
from lsgan_lib.training import RunDirectory, train
from lsgan_lib.training.recipe import to_json


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
        *("samples/000000000.png", "samples/000000024.png"),
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
    for left in (".recipe.json.123.part", "samples/.000000000.png.123.part"):
        (tmp_path / left).parent.mkdir(exist_ok=True)
        (tmp_path / left).write_bytes(b"half")
    begun(tmp_path)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["recipe.json"]


@pytest.mark.parametrize("ask", [RunDirectory.recipe, RunDirectory.generator])
def test_a_folder_without_a_run_is_one_sentence(tmp_path, ask):
    with pytest.raises(BookError, match="is not a run directory: it has no recipe.json"):
        ask(RunDirectory(tmp_path))
    assert not RunDirectory(tmp_path).exists() and RunDirectory(tmp_path).facts() == {}


# --- damage --------------------------------------------------------------------------------------


def test_a_state_cut_anywhere_is_one_sentence(run):
    path = run.path / "state.pt"
    whole = path.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(BookError, match=r"state\.pt cannot be read") as caught:
            run.state()
        assert "\n" not in str(caught.value)


def test_a_state_that_would_run_code_is_refused_and_does_not_run(run, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "boom"),)

    good = run.state()
    path = run.path / "state.pt"
    torch.save({"format": 1, "recipe": to_json(run.recipe()), **good, "extra": Bomb()}, path)
    with pytest.raises(BookError, match="cannot be read"):
        run.state()
    path.write_bytes(pickle.dumps(Bomb(), protocol=2))
    with pytest.raises(BookError, match="cannot be read"):
        run.state()
    assert not (tmp_path / "boom").exists()
    pickle.loads(path.read_bytes())
    assert (tmp_path / "boom").exists()  # so it was a bomb


def test_a_state_of_another_version_is_one_sentence(run):
    path = run.path / "state.pt"
    content = torch.load(path, weights_only=True)
    torch.save(content | {"format": 99}, path)
    with pytest.raises(BookError, match="has format 99; this version reads 1"):
        run.state()
    torch.save([1, 2, 3], path)
    with pytest.raises(BookError, match="cannot be read"):
        run.state()


def test_a_state_of_another_recipe_is_one_sentence(run):
    path = run.path / "recipe.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seed": 99}))
    with pytest.raises(BookError, match="belongs to another recipe"):
        run.state()


def test_no_state_is_no_error(run):
    (run.path / "state.pt").unlink()
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


def test_a_full_disk_keeps_the_old_state(run):
    before = (run.path / "state.pt").read_bytes()
    large = {"weights": torch.zeros(100_000), "format": 1}
    with full_disk(free=50_000), pytest.raises(BookError, match=r"could not write .*state\.pt"):
        run.write_state(RECIPE, large)
    assert (run.path / "state.pt").read_bytes() == before
    assert list(run.path.glob(".*")) == []


def test_states_hold_tensors_and_plain_values_only(run):
    """So that loading them can never run code."""
    loaded = torch.load(io.BytesIO((run.path / "state.pt").read_bytes()), weights_only=True)
    assert {"recipe", "shown", "generator", "critic", "average", "history"} <= loaded.keys()
