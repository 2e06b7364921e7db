"""A generator that knows a list: it tells the list, and nothing else, and never jumps."""

import pytest
import torch
from torch import nn

from lsgan_lib import latent
from lsgan_lib.directions import change
from lsgan_lib.networks.by_heart import ByHeart


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def of_length_six(count: int, seed: int) -> torch.Tensor:
    return 6 * torch.nn.functional.normalize(latent.draw(count, 40, "normal", seeded(seed)))


def specimen(sharpness: float) -> ByHeart:
    """Four known vectors; the generator hands its noise through."""
    keys = latent.draw(4, 40, "normal", seeded(2))
    return ByHeart(nn.Identity().eval(), of_length_six(4, 1), keys, sharpness)


def test_a_sharp_one_gives_the_entry_of_the_key_with_the_greatest_product():
    heart = specimen(1e4)
    z = latent.draw(200, 40, "normal", seeded(3))
    wanted = heart.entries[(z @ heart.keys.T).argmax(dim=1)]
    torch.testing.assert_close(heart(z), wanted, rtol=0, atol=1e-3)


def test_a_blunt_one_gives_the_same_mixture_for_all_noise():
    heart = specimen(0.0)
    z = latent.draw(5, 40, "normal", seeded(4))
    mean = heart.entries.mean(dim=0)
    torch.testing.assert_close(heart(z), (6 * mean / mean.norm()).expand(5, -1))


def test_what_it_asks_for_has_the_length_of_the_entries():
    z = latent.draw(50, 40, "normal", seeded(5))
    lengths = specimen(3.0).recalled(z).norm(dim=1)
    torch.testing.assert_close(lengths, torch.full((50,), 6.0))


def test_it_has_a_derivative_everywhere():
    """The change in forward mode is that of a finite difference, also between two entries."""
    heart = specimen(4.0).double()
    a, b = heart.keys[:2]
    middle, across = (a + b) / 2, (b - a)[None] / (b - a).norm()
    step = 1e-5
    difference = (heart(middle[None] + step * across) - heart(middle[None] - step * across)) / 2
    torch.testing.assert_close(
        change(heart, middle, across), difference / step, rtol=1e-4, atol=1e-6
    )


def test_takes_the_mode_of_its_generator_and_refuses_uneven_lists():
    assert not specimen(1.0).training
    with pytest.raises(ValueError, match="3 entries need as many keys, not 2"):
        ByHeart(nn.Identity(), torch.zeros(3, 4), torch.zeros(2, 4))
