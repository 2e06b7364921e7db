"""The table of reconstructions: what is asked for, what is measured, and what was recorded."""

import dataclasses
import json

import pytest
import torch
from torch import nn

from lsgan_lib.book import load_run
from lsgan_lib.data import to_float
from lsgan_lib.errors import BookError
from lsgan_lib.experiments import reconstruction
from lsgan_lib.experiments.reconstruction import KINDS, RUNS, Settings, asked_for, measured
from lsgan_lib.experiments.tables import load_pictures, load_table
from lsgan_lib.networks import LossSensitiveNetworks

SMALL = Settings(pictures=2, steps=3, starts=1, draws=10, shown=1)


class Plane(nn.Module):
    """A generator whose pictures lie in a plane through 0: closest points are projections."""

    def __init__(self) -> None:
        super().__init__()
        turn = torch.linalg.qr(torch.randn(48, 48, generator=torch.Generator().manual_seed(0))).Q
        self.axes = nn.Parameter(turn[:2], requires_grad=False)

    def forward(self, z):
        return (z @ self.axes).view(-1, 3, 4, 4)


@dataclasses.dataclass(frozen=True)
class Asked:
    """As much of a recipe as a measurement reads."""

    networks: LossSensitiveNetworks
    noise: str = "normal"


def test_measures_what_geometry_says_of_a_plane():
    plane = Plane().eval()
    pictures = 0.3 * torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    settings = Settings(pictures=3, steps=400, starts=2, draws=4_000)
    recipe = Asked(LossSensitiveNetworks(size=16, z_dim=2))
    outcome, found, images = measured(plane, pictures, recipe, settings)
    flat = pictures.flatten(1)
    inside = flat @ plane.axes.T
    torch.testing.assert_close(found, inside, rtol=0, atol=2e-2)
    torch.testing.assert_close(images.flatten(1), inside @ plane.axes, rtol=0, atol=2e-2)
    left = (flat - inside @ plane.axes).square().mean(dim=1).sqrt()
    assert outcome["errors"] == pytest.approx(left.tolist(), abs=1e-3)
    assert outcome["error"] == pytest.approx(left.mean().item(), abs=1e-3)
    assert outcome["length"] == pytest.approx(inside.norm(dim=1).mean().item() / 2**0.5, abs=0.02)
    # The mean picture of normal noise in a plane through 0 is 0.
    blank = flat.square().mean(dim=1).sqrt().mean().item()
    assert outcome["mean_picture"] == pytest.approx(blank, abs=0.01)


def test_the_other_of_one_is_the_own_of_the_other():
    first, second = RUNS
    assert torch.equal(asked_for(first, "other", SMALL), asked_for(second, "own", SMALL))
    assert not torch.equal(asked_for(first, "own", SMALL), asked_for(second, "own", SMALL))


def test_the_sheet_is_cut_between_its_pictures():
    """No picture holds a piece of the white lines, nor repeats another."""
    pictures = reconstruction.photographs()
    assert pictures.shape == (100, 3, 64, 64) and -1 <= pictures.min() < pictures.max() <= 1
    edges = [pictures[..., 0, :], pictures[..., -1, :], pictures[..., :, 0], pictures[..., :, -1]]
    for edge in edges:
        assert not (edge == 1).flatten(1).all(dim=1).any()
    assert len({picture.sum().item() for picture in pictures}) == 100
    chosen = asked_for(RUNS[0], "photographs", SMALL)
    assert all((pictures == one).flatten(1).all(dim=1).any() for one in chosen)


def test_says_which_set_is_missing_where_training_faces_are_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    with pytest.raises(BookError, match="celeba64"):
        asked_for(RUNS[0], "training", SMALL)


@pytest.mark.slow
def test_the_command_adds_a_row_at_a_time_and_keeps_pictures_of_what_may_be_shown(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(reconstruction, "RUNS", ("faces-slope-zero",))
    monkeypatch.setattr(reconstruction, "KINDS", ("own", "photographs"))
    out = tmp_path / "table.json"
    monkeypatch.setattr("lsgan_lib.experiments.reconstruction.torch.set_num_threads", lambda n: n)
    reconstruction.main(out, SMALL)
    rows = json.loads(out.read_text())["runs"]
    assert [row["kind"] for row in rows] == ["own", "photographs"]
    assert all(len(row["errors"]) == 2 for row in rows)
    assert "cosine" in rows[0] and "cosine" not in rows[1]


def test_the_recorded_table_was_made_with_todays_settings():
    table = load_table(reconstruction.NAME)
    assert table["settings"] == dataclasses.asdict(Settings())
    assert [(row["kind"], row["run"]) for row in table["runs"]] == [
        (kind, run) for kind in KINDS for run in RUNS
    ]
    for row in table["runs"]:
        assert len(row["errors"]) == Settings().pictures
        assert row["error"] == pytest.approx(sum(row["errors"]) / len(row["errors"]), abs=1e-3)
        assert row["error"] < row["mean_picture"]


def test_the_kept_pictures_are_those_that_may_be_shown_and_have_the_recorded_errors():
    table, kept = load_table(reconstruction.NAME), load_pictures(reconstruction.NAME)
    for row in table["runs"]:
        pair = to_float(torch.from_numpy(kept[f"{row['run']} {row['kind']}"]))
        if row["kind"] == "training":  # CelebA is not passed on
            assert pair.shape[1] == 0
            continue
        wanted, answer = pair
        errors = (wanted - answer).square().flatten(1).mean(dim=1).sqrt().tolist()
        assert errors == pytest.approx(row["errors"][: len(errors)], abs=4e-3)  # 256 shades


def test_the_recorded_samples_are_those_of_the_recorded_generators():
    """A generator that was recorded again asks for the table to be recorded again."""
    kept = load_pictures(reconstruction.NAME)
    for run in RUNS:
        count = Settings().shown
        samples, _ = reconstruction.drawn(run, Settings().pictures, Settings().seed)
        then = to_float(torch.from_numpy(kept[f"{run} own"]))[0]
        assert (samples[:count] - then).abs().max() < 0.02, f"{load_run(run).name} has changed"
