"""Dropout: what stays, how much, when, and from which generator of random numbers."""

import math

import pytest
import torch
from torch import nn

from lsgan_lib.networks.dropout import Dropout, dropout_at_sampling, set_dropout_random

COUNT = 100_000


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def layer(p: float = 0.5, seed: int | None = 0) -> Dropout:
    dropout = Dropout(p)
    dropout.random = None if seed is None else seeded(seed)
    return dropout


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.75, 0.9])
def test_a_share_of_p_is_dropped_and_the_rest_divided_by_one_minus_p(p):
    out = layer(p)(torch.full((COUNT,), 3.0))
    kept = out[out != 0]
    assert kept.tolist() == pytest.approx([3 / (1 - p)] * len(kept))
    error = math.sqrt(p * (1 - p) / COUNT)  # of a share, binomial
    assert len(kept) / COUNT == pytest.approx(1 - p, abs=5 * error)
    # So the mean stays, with the error of the share times the factor.
    assert out.mean().item() == pytest.approx(3, abs=5 * 3 * error / (1 - p))


def test_neighbours_are_dropped_independently():
    """Four masks are cut from one draw of the generator; they must not know of each other."""
    mask = (layer()(torch.ones(COUNT)) != 0).double() - 0.5
    for lag in (1, 2, 3, 4, 8):
        product = (mask[:-lag] * mask[lag:]).mean().item()
        assert abs(product) < 5 * 0.25 / math.sqrt(COUNT)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 4_097])
def test_any_number_of_entries_is_masked_to_the_last(count):
    out = torch.stack([layer(seed=seed)(torch.ones(count)) for seed in range(60)])
    assert out.shape == (60, count)
    assert (out.amin(dim=0) == 0).all() and (out.amax(dim=0) == 2).all()


def test_the_gradient_passes_where_the_entry_stayed():
    x = torch.full((1_000,), 0.3, requires_grad=True)
    out = layer(0.2)(x)
    out.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, out.detach() / 0.3)


def test_off_in_evaluation_unless_asked_for():
    x = torch.ones(64)
    dropout = layer().eval()
    assert torch.equal(dropout(x), x)
    dropout.at_sampling = True
    assert set(dropout(x).tolist()) == {0.0, 2.0}


def test_probability_nought_changes_and_draws_nothing():
    dropout = layer(0.0)
    before = dropout.random.get_state()
    x = torch.randn(64, generator=seeded())
    assert torch.equal(dropout(x), x)
    assert torch.equal(dropout.random.get_state(), before)


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, float("nan")])
def test_impossible_probabilities_are_refused(p):
    with pytest.raises(ValueError, match="must be at least 0 and below 1"):
        Dropout(p)


def test_its_own_generator_names_the_masks_and_the_global_one_is_left_alone():
    x = torch.ones(256)
    before = torch.get_rng_state()
    first, again, other = (layer(seed=seed)(x) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())
    dropout = layer(seed=1)
    assert not torch.equal(dropout(x), dropout(x))  # the second mask is a new one


def test_without_a_generator_the_global_one_is_asked():
    x = torch.ones(256)
    masks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        masks.append(layer(seed=None)(x))
    assert torch.equal(masks[0], masks[1]) and not torch.equal(masks[0], masks[2])


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_the_memory_order_of_images_is_kept(order):
    x = torch.ones(2, 4, 6, 6).to(memory_format=order)
    assert layer()(x).is_contiguous(memory_format=order)


def test_precision_is_kept():
    assert layer()(torch.ones(8, dtype=torch.bfloat16)).dtype == torch.bfloat16


# --- whole networks ------------------------------------------------------------------------------


def network() -> nn.Sequential:
    return nn.Sequential(Dropout(0.5), nn.Sequential(nn.Identity(), Dropout(0.25)))


def dropouts(model: nn.Module) -> list[Dropout]:
    return [m for m in model.modules() if isinstance(m, Dropout)]


def test_one_generator_serves_every_layer_of_a_network():
    model, random = network(), seeded()
    set_dropout_random(model, random)
    assert [m.random is random for m in dropouts(model)] == [True, True]


def test_within_the_block_dropout_is_on_and_afterwards_as_before():
    model, x = network().eval(), torch.ones(64)
    own = seeded(5)
    dropouts(model)[0].random = own
    with dropout_at_sampling(model, random=seeded()) as same:
        assert same is model and not torch.equal(model(x), x)
    assert torch.equal(model(x), x)
    assert [m.random for m in dropouts(model)] == [own, None]


def test_blocks_restore_what_they_found_even_when_they_fail_and_when_nested():
    model, x = network().eval(), torch.ones(64)
    with dropout_at_sampling(model):
        with pytest.raises(KeyError), dropout_at_sampling(model, on=False):
            assert torch.equal(model(x), x)
            raise KeyError
        assert not torch.equal(model(x), x)
    assert torch.equal(model(x), x)


def test_a_seed_names_the_samples_of_a_block():
    model, x = network().eval(), torch.ones(64)
    outs = []
    for seed in (1, 1, 2):
        with dropout_at_sampling(model, random=seeded(seed)):
            outs.append(model(x))
    assert torch.equal(outs[0], outs[1]) and not torch.equal(outs[0], outs[2])
