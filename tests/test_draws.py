"""The random numbers of a step: named by a seed, shared out among processes, fixed in place."""

import pytest
import torch

from lsgan_lib import draws
from lsgan_lib.draws import Draws


def ask(source: Draws, samples: int = 6) -> list[torch.Tensor]:
    """What a step might ask for, in an order of its own."""
    return [
        source.normal((samples, 3)),
        source.bits(5),
        source.uniform((samples, 1, 1, 1)),
        source.normal((samples, 2)),
        source.bits(4),
    ]


def test_a_seed_names_the_numbers() -> None:
    source = Draws()
    source.begin(5)
    first = ask(source)
    source.begin(6)
    other = ask(source)
    source.begin(5)
    again = ask(source)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_fixed_draws_are_the_same_numbers_at_fixed_addresses() -> None:
    free, fixed = Draws(), Draws(fixed=True)
    places = None
    for seed in (5, 6, 7):
        free.begin(seed)
        fixed.begin(seed)  # from the second step on everything is drawn here, before the questions
        ahead = [] if places is None else [buffer.clone() for _, buffer in fixed._answers]
        expected, got = ask(free), ask(fixed)
        assert all(torch.equal(a, b) for a, b in zip(expected, got, strict=True))
        assert all(torch.equal(a, b) for a, b in zip(ahead, got, strict=False))
        now = [tensor.data_ptr() for tensor in got]
        assert places in (None, now)
        places = now


def test_fixed_draws_refuse_a_step_that_asks_otherwise() -> None:
    source = Draws(fixed=True)
    source.begin(1)
    source.normal((6, 3))
    source.begin(2)
    with pytest.raises(RuntimeError, match="must all be alike"):
        source.uniform((6, 3))


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("fixed", [False, True])
def test_shards_are_the_rows_of_one_whole(size: int, fixed: bool) -> None:
    whole = Draws()
    parts = [Draws(shard=(rank, size), fixed=fixed) for rank in range(size)]
    for seed in (1, 2):
        for source in (whole, *parts):
            source.begin(seed)
        expected = ask(whole)
        got = [ask(part, 6 // size) for part in parts]
        for index in (0, 2, 3):
            assert torch.equal(expected[index], torch.cat([part[index] for part in got]))
        masks = [part[1] for part in got]
        assert not torch.equal(masks[0], masks[1])  # dropout differs between processes


def test_functions_take_either_source() -> None:
    cpu = torch.device("cpu")
    plain = draws.uniform((4, 2), torch.Generator().manual_seed(3), cpu, torch.float32)
    assert torch.equal(plain, torch.rand(4, 2, generator=torch.Generator().manual_seed(3)))
    source = Draws()
    source.begin(3)
    assert torch.equal(draws.uniform((4, 2), source, cpu, torch.float32), plain)
    torch.manual_seed(3)
    assert torch.equal(draws.uniform((4, 2), None, cpu, torch.float32), plain)
