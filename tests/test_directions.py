"""Directions of a generator against a Jacobian that is known, or computed another way."""

import pytest
import torch
from torch import nn

from lsgan_lib import directions as module
from lsgan_lib import latent
from lsgan_lib.directions import change, directions
from lsgan_lib.networks import LossSensitiveNetworks


class Planted(nn.Module):
    """A picture that is linear in the noise, with singular values and directions that we chose."""

    def __init__(self, values: torch.Tensor, z_dim: int, seed: int = 0) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(seed)
        turn = torch.linalg.qr(torch.randn(z_dim, z_dim, generator=random).double()).Q
        pixels = torch.linalg.qr(torch.randn(64, 64, generator=random).double()).Q
        self.vectors = turn[: len(values)]
        self.register_buffer("matrix", pixels[:, : len(values)] * values @ self.vectors)

    def forward(self, z):
        return (z @ self.matrix.T).view(-1, 1, 8, 8)


def same_up_to_sign(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.allclose((a * b).sum(dim=1).abs(), torch.ones(len(a)).to(a), atol=1e-4)


# Short noise: every column. Long noise: blocks. Both must find what was planted.
@pytest.mark.parametrize("z_dim", [40, 400])
def test_finds_planted_directions_and_values(z_dim):
    values = torch.tensor([8.0, 5, 3, 2, 1, 0.5, 0.25], dtype=torch.float64)
    planted = Planted(values, z_dim).eval()
    z = torch.randn(z_dim, dtype=torch.float64)
    vectors, found = directions(planted, z, 4)
    torch.testing.assert_close(found, values[:4], rtol=2e-3, atol=0)
    assert same_up_to_sign(vectors, planted.vectors[:4])
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(4).double(), rtol=0, atol=1e-6)


def small_generator(seed: int = 0) -> nn.Module:
    networks = LossSensitiveNetworks(size=16, channels=3, z_dim=12, width=0.125)
    generator = networks.generator(torch.Generator().manual_seed(seed)).eval()
    for layer in generator.modules():
        if isinstance(layer, nn.ConvTranspose2d):  # fresh weights make pictures of a single grey
            layer.weight.data.mul_(8)
    return generator


def test_agrees_with_the_jacobian_that_reverse_mode_makes(monkeypatch):
    generator, z = small_generator(), torch.randn(12, generator=torch.Generator().manual_seed(1))
    matrix = torch.autograd.functional.jacobian(lambda x: generator(x[None]).flatten(), z)
    values = torch.linalg.svdvals(matrix)
    assert values[0] > 1.05 * values[1] and values[2] > 1.02 * values[3]  # they can be told apart
    for whole in (256, 4):  # column by column, then by blocks
        monkeypatch.setattr(module, "_WHOLE", whole)
        vectors, found = directions(generator, z, 3, sweeps=200)
        torch.testing.assert_close(found, values[:3], rtol=5e-3, atol=0)
        stretched = (matrix @ vectors.T).norm(dim=0)
        torch.testing.assert_close(stretched, values[:3], rtol=5e-3, atol=0)


def test_change_is_the_limit_of_a_finite_difference():
    generator = small_generator().double()
    random = torch.Generator().manual_seed(2)
    z = torch.randn(12, generator=random, dtype=torch.float64)
    vectors = torch.randn(5, 12, generator=random, dtype=torch.float64)
    step = 1e-6
    with torch.no_grad():
        difference = (generator(z + step * vectors) - generator(z - step * vectors)) / (2 * step)
    for chunk in (2, 64):
        torch.testing.assert_close(
            change(generator, z, vectors, chunk=chunk), difference, rtol=1e-4, atol=1e-7
        )


def test_moving_along_a_direction_makes_the_picture_brighter():
    generator, z = small_generator(3), torch.randn(12, generator=torch.Generator().manual_seed(3))
    vectors, _ = directions(generator, z, 4)
    assert (change(generator, z, vectors).flatten(1).sum(dim=1) > 0).all()


def test_several_places_give_the_mean_of_their_squares(monkeypatch):
    generator, places = (
        small_generator(4),
        latent.draw(3, 12, "normal", torch.Generator().manual_seed(4)),
    )
    mean = torch.zeros(12, 12)
    for z in places:
        matrix = torch.autograd.functional.jacobian(lambda x: generator(x[None]).flatten(), z)
        mean += matrix.T @ matrix / 3
    values = torch.linalg.eigvalsh(mean).flip(0).sqrt()
    for whole in (256, 4):
        monkeypatch.setattr(module, "_WHOLE", whole)
        vectors, found = directions(generator, places, 2, sweeps=200)
        torch.testing.assert_close(found, values[:2], rtol=5e-3, atol=0)
        on_average = ((vectors @ mean) * vectors).sum(dim=1).sqrt()
        torch.testing.assert_close(on_average, values[:2], rtol=5e-3, atol=0)


def test_the_same_directions_each_time_and_no_warning(recwarn):
    generator, z = small_generator(), torch.ones(12)
    first, again = directions(generator, z, 2), directions(generator, z, 2)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not [w for w in recwarn if "jit.script" in str(w.message)]


def test_says_what_is_wrong():
    generator = small_generator()
    with pytest.raises(ValueError, match="1 to 12 directions, not 13"):
        directions(generator, torch.zeros(12), 13)
    with pytest.raises(ValueError, match="training mode"):
        directions(generator.train(), torch.zeros(12), 1)
    with pytest.raises(ValueError, match="training mode"):
        change(generator, torch.zeros(12), torch.eye(12))
