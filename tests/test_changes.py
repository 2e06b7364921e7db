"""Every loop between the textbook's and ours computes the same step."""

from dataclasses import replace

import pytest
import torch

from lsgan_lib.benchmarks import changes
from lsgan_lib.benchmarks.steps import random_images
from lsgan_lib.errors import BookError
from lsgan_lib.files import read_json
from lsgan_lib.losses.objectives import LossSensitive, Penalty
from lsgan_lib.networks import LossSensitiveNetworks
from lsgan_lib.training import Recipe

RECIPE = Recipe(
    networks=LossSensitiveNetworks(size=16, width=0.05, z_dim=5),
    objective=LossSensitive(penalty=Penalty(weight=2.0)),
    batch_size=6,
    noise="normal",
)
CPU = torch.device("cpu")


def gradients(number: int) -> list[torch.Tensor]:
    """Of the critic in the first step, on the same images and noise whatever the loop."""
    images = random_images(RECIPE)
    loop = changes.Changed(RECIPE, images, CPU, number)
    if number == 0:  # its loader draws an order of its own: give it the stream's batch
        loop.batches = iter([loop.stream.at(0)])
    loop._noise = lambda: torch.randn(6, 5, generator=torch.Generator().manual_seed(1))
    seen: list[torch.Tensor] = []
    loop.critic_optimiser.register_step_pre_hook(
        lambda *_: seen.extend(p.grad.clone() for p in loop.critic.parameters())
    )
    loop.step()
    assert all(p.requires_grad for p in loop.critic.parameters())
    return seen


@pytest.mark.parametrize("number", range(1, len(changes.CHANGES) - 1))
def test_a_change_changes_no_gradient(number: int) -> None:
    for ours, theirs in zip(gradients(number), gradients(0), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_what_was_measured_is_written_down(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(changes, "named", lambda name: replace(RECIPE, images=60))
    changes.main("small", rounds=2, out=tmp_path / "small.json")
    made = read_json(tmp_path / "small.json")
    assert [row["change"] for row in made["rows"]] == list(changes.CHANGES)
    first, last = made["rows"][0], made["rows"][-1]
    assert (first["speed_up"], first["lowest"], first["highest"]) == (1, 1, 1)
    assert last["lowest"] <= last["speed_up"] <= last["highest"]
    assert "second derivative by hand" in capsys.readouterr().out


def test_no_rounds_are_refused() -> None:
    with pytest.raises(BookError, match="at least one"):
        changes.main("faces-loss-sensitive", rounds=0)
