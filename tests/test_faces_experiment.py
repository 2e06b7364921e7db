"""The table of chapter 06 about faces: each state is drawn in three ways, and drawn once."""

import copy
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from small_runs import RECIPE, THIN

from lsgan_lib import latent
from lsgan_lib.data import make_set, write_set
from lsgan_lib.errors import BookError
from lsgan_lib.experiments import faces
from lsgan_lib.experiments.tables import load_table
from lsgan_lib.files import read_json
from lsgan_lib.networks import LeastSquaresNetworks
from lsgan_lib.training import RECIPES, resume, state_file, train
from lsgan_lib.training.recipe import differences, from_json

SETTINGS = faces.Settings(samples=16, shown=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """One run of four states on small colour pictures, called as a run of the table."""
    place = tmp_path_factory.mktemp("runs")
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 3, 16, 16), generator=random, dtype=torch.uint8)
    write_set(place / "colours", make_set(images, name="colours"))
    recipe = replace(
        RECIPE,
        networks=LeastSquaresNetworks(size=16, channels=3, z_dim=3, width=THIN),
        data=str(place / "colours"),
        critic_lr=0.02,  # fast enough to move the weights away from their averages
        generator_lr=0.02,
        states_kept=4,
    )
    train(recipe, None, place / "faces-pearson", device="cpu")
    return place


@pytest.fixture
def made(folder, tmp_path):
    out = tmp_path / "faces.json"
    return out, faces.make_table(out, folder, settings=SETTINGS)


def test_every_state_is_judged_in_every_way(made, folder):
    out, table = made
    assert read_json(out) == table
    entry = table["runs"]["faces-pearson"]
    assert [row["images"] for row in entry["states"]] == [24, 48, 72, 96]
    assert entry["epoch"] == 40 and from_json(entry["recipe"]).networks.z_dim == 3
    for row in entry["states"]:
        assert len({row[way]["distance"] for way in faces.WAYS}) == 3  # all different
        assert all(row[way]["spread"] >= 0 and row[way]["faces"] == 0 for way in faces.WAYS)
        picture = out.parent / "faces" / "faces-pearson" / f"{row['images']:09d}.png"
        assert picture.stat().st_size > 100
    assert set(table["real"]) == {"faces", "distance", "spread"}


def test_the_ways_are_what_their_names_say(folder):
    state = state_file.read(folder / "faces-pearson" / "state.pt")
    recipe = from_json(state["recipe"])
    z = latent.draw(16, 3, "uniform", torch.Generator().manual_seed(1))
    drawn = faces.draw_ways(state, recipe, z)
    raw = recipe.networks.generator(torch.Generator())
    raw.load_state_dict(state["generator"])
    mean = copy.deepcopy(raw)
    mean.load_state_dict(state["average"])
    with torch.no_grad():
        torch.testing.assert_close(drawn["moving"], raw.eval()(z))
        torch.testing.assert_close(drawn["average"], mean.eval()(z))
        by_eights = torch.cat([raw.train()(z[:8]), raw.train()(z[8:])])
    torch.testing.assert_close(drawn["batch"], by_eights)
    row, pictures = faces.row_of(state, recipe, torch.rand(16, 3, 16, 16) * 2 - 1, SETTINGS)
    assert pictures.shape == (6, 3, 16, 16) and row["apart"] > 0


def test_what_is_in_the_table_is_not_drawn_again(made, folder, monkeypatch):
    out, table = made
    monkeypatch.setattr(faces, "row_of", lambda *_: pytest.fail("drawn again"))
    assert faces.make_table(out, folder, settings=SETTINGS) == table


def test_a_run_that_goes_on_adds_its_states_and_no_more(folder, tmp_path, monkeypatch):
    """The newest state is drawn under its first name, and known under its second."""
    part = tmp_path / "part"
    shutil.copytree(folder, part)
    run = part / "faces-pearson"
    for path in [run / "state.pt", *(run / "states").glob("*72.pt")]:
        path.unlink()
    (run / "states" / "000000048.pt").rename(run / "state.pt")
    out = tmp_path / "faces.json"
    table = faces.make_table(out, part, settings=SETTINGS)
    assert [row["images"] for row in table["runs"]["faces-pearson"]["states"]] == [24, 48]
    resume(run, device="cpu")
    drawn = []
    monkeypatch.setattr(
        faces, "row_of", lambda *a, row=faces.row_of: drawn.append(a[0]["shown"]) or row(*a)
    )
    table = faces.make_table(out, part, settings=SETTINGS)
    assert drawn == [72, 96]
    assert [row["images"] for row in table["runs"]["faces-pearson"]["states"]] == [24, 48, 72, 96]


def test_a_run_begun_anew_leaves_nothing_of_the_old_one(made, folder, tmp_path):
    out, table = made
    other = tmp_path / "other"
    (other / "faces-pearson").mkdir(parents=True)
    recipe = from_json(table["runs"]["faces-pearson"]["recipe"])
    train(
        replace(recipe, seed=7, images=32, state_every=32),
        None,
        other / "faces-pearson" / "again",
        device="cpu",
    )
    (other / "faces-pearson" / "again").rename(other / "again")
    (other / "faces-pearson").rmdir()
    (other / "again").rename(other / "faces-pearson")
    again = faces.make_table(out, other, settings=SETTINGS)
    assert [row["images"] for row in again["runs"]["faces-pearson"]["states"]] == [32]
    assert [path.name for path in (out.parent / "faces" / "faces-pearson").iterdir()] == [
        "000000032.png"
    ]


def test_a_table_of_other_settings_is_not_mixed_with(made, folder):
    out, _ = made
    with pytest.raises(BookError, match="other settings"):
        faces.make_table(out, folder, settings=replace(SETTINGS, samples=8))


def test_a_folder_without_runs_is_told(tmp_path):
    with pytest.raises(BookError, match="no saved states"):
        faces.make_table(tmp_path / "faces.json", tmp_path)


def test_the_seal_names_a_state_and_finds_a_file_without_one(folder, tmp_path):
    files = faces.state_files(folder / "faces-pearson")
    seals = [faces.seal_of(path) for path in files]
    assert len(set(seals)) == len(files) == 4
    assert files[-1].read_bytes().endswith(f"{seals[-1]}\n".encode())
    (tmp_path / "old.pt").write_bytes(b"no seal")
    assert len(faces.seal_of(tmp_path / "old.pt")) == 64


def test_the_recorded_table_is_of_todays_settings_and_recipes():
    table = load_table("faces")
    assert table["settings"] == asdict(faces.Settings())
    assert set(table["runs"]) <= set(faces.RUNS)
    for name, entry in table["runs"].items():
        assert differences(from_json(entry["recipe"]), RECIPES[name]) == []
        moments = [row["images"] for row in entry["states"]]
        assert moments == sorted(set(moments)) and moments[-1] >= RECIPES[name].images
