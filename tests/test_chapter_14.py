"""The checks of chapter 14 accept right answers, explain wrong ones, and stay quiet on stubs.

What the chapter's exercises rest on (passes of a step, the ring, BatchNorm of halves) is tested
here by routes that the chapter does not take.
"""

import math
from dataclasses import replace

import pytest
import torch
from exercise_checks import three_tests
from torch import nn

from lsgan_lib.benchmarks.machine_limit import count_products
from lsgan_lib.benchmarks.steps import PLAIN, Way, adapted, begin
from lsgan_lib.exercises import chapter_14 as exercises
from lsgan_lib.networks import LossSensitiveNetworks
from lsgan_lib.training.recipes import recipe


@pytest.mark.parametrize(("way", "passes"), [(PLAIN, 71), (Way("eager", "fp32"), 45)])
def test_passes_of_a_step_with_five_turns_of_the_critic(way, passes):
    """Exercise 14.1 on the loops themselves; the chapter counts parts of one turn."""
    settings = replace(adapted(recipe("faces-loss-sensitive"), 0.25, 2), critic_steps=5)
    critic = settings.networks.critic(torch.Generator().manual_seed(0))
    unit = count_products(lambda: critic(torch.zeros(2, 3, 64, 64)))
    step = begin(settings, way, torch.device("cpu"))
    # The first layer's input needs no gradient, which is a ninth of a pass each time.
    assert count_products(step) / unit == pytest.approx(passes, rel=0.02)


def test_the_message_of_exercise_14_6_is_that_of_the_recipe():
    networks, weights = LossSensitiveNetworks(size=64), torch.Generator()
    both = networks.generator(weights), networks.critic(weights)
    assert exercises.MESSAGE == 4 * sum(p.numel() for net in both for p in net.parameters())
    assert recipe("faces-loss-sensitive").networks == networks


def ring(messages):
    """All processes' sums by a ring that is played out; also what each of them sent."""
    size, sent = len(messages), [0] * len(messages)
    parts = [list(message.chunk(size)) for message in messages]
    for added in (True, False):  # first the sums, then the finished pieces
        for hop in range(size - 1):
            for rank in range(size):
                # The piece that this process passes on in this hop.
                piece = (rank - hop + (0 if added else 1)) % size
                sent[rank] += parts[rank][piece].numel()
                box = parts[(rank + 1) % size]
                box[piece] = box[piece] + parts[rank][piece] if added else parts[rank][piece]
    return [torch.cat(part) for part in parts], sent


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_ring_sends_what_14_5_says(size):
    """2 (K - 1) / K of the message, and every process ends with the sum."""
    messages = [torch.randn(30, generator=torch.Generator().manual_seed(r)) for r in range(size)]
    sums, sent = ring([m.double() for m in messages])
    for found in sums:
        assert torch.allclose(found, torch.stack(messages).double().sum(0))
    assert sent == [2 * (size - 1) * 30 // size] * size


def played(step_seconds, message, K, bandwidth, latency):  # noqa: N803
    """Exercise 14.4 by what a process of the ring really sends."""
    _, sent = ring([torch.zeros(44)] * K)
    sending = sent[0] / 44 * message / bandwidth + 2 * (K - 1) * latency
    return step_seconds / (step_seconds + sending)


def test_the_check_of_14_4_knows_the_ring():
    assert exercises.check_14_4(played)


def efficiency(step_seconds, message, K, bandwidth, latency):  # noqa: N803
    return step_seconds / (
        step_seconds + 2 * (K - 1) / K * message / bandwidth + 2 * (K - 1) * latency
    )


def looks_once(losses):
    stacked = torch.stack(losses)
    good = stacked.isfinite()
    return (torch.where(good, stacked, 0.0).sum() / good.sum()).item()


PLAN = {"processes": 4, "images_each": 60, "bandwidth": 20e9}

RIGHT = {
    "14.1": (exercises.check_14_1, [71, 45]),
    "14.2": (exercises.check_14_2, [1004.0, "no"]),
    "14.3": (exercises.check_14_3, [looks_once]),
    "14.4": (exercises.check_14_4, [efficiency]),
    "14.5": (exercises.check_14_5, ["no", "Yes"]),
    "14.6": (exercises.check_14_6, [PLAN]),
}


def looks_at_each(losses):
    return sum(v.item() for v in losses if math.isfinite(v)) / len(losses)


def looks_with_if(losses):
    good = [loss for loss in losses if loss.isfinite()]
    return torch.stack(good).mean().item()


WRONG = [
    (exercises.check_14_1, [95, 65], "comes once"),
    (exercises.check_14_1, [71, 65], "comes once"),
    (exercises.check_14_1, [70, 45], "textbook: add up"),
    (exercises.check_14_1, [71, 46], "ours: scores and slope"),
    (exercises.check_14_2, [1008, "no"], "power of two"),
    (exercises.check_14_2, [1004, "yes"], "nearer to 1000"),
    (exercises.check_14_2, [1004, "maybe"], "choose one of"),
    (exercises.check_14_3, [looks_at_each], "you looked 6 times"),
    (exercises.check_14_3, [looks_with_if], "An `if` on a tensor"),
    (exercises.check_14_3, [lambda losses: torch.stack(losses).mean()], "return a Python number"),
    (exercises.check_14_3, [lambda losses: torch.stack(losses).nanmean().item()], "is 5"),
    (exercises.check_14_4, [lambda t, m, K, b, latency: t / (t + m / b)], "sends nothing"),
    (
        exercises.check_14_4,
        [lambda t, m, K, b, latency: t / (t + (K - 1) / K * m / b)],
        "with K = 2",
    ),
    (exercises.check_14_4, [lambda t, m, K, b, latency: t / (t + (K > 1) * m / b)], "with K = 4"),
    (
        exercises.check_14_4,
        [lambda t, m, K, b, latency: t / (t + 2 * (K - 1) / K * m / b)],
        "an empty message",
    ),
    (exercises.check_14_5, ["yes", "yes"], "without sync"),
    (exercises.check_14_5, ["no", "no"], "with sync"),
    (exercises.check_14_6, [{"processes": 4}], "a dictionary with"),
    (exercises.check_14_6, [PLAN | {"processes": 1}], "at least two"),
    (exercises.check_14_6, [PLAN | {"bandwidth": 1e9}], "a faster link"),
    (exercises.check_14_6, [PLAN | {"processes": 100, "bandwidth": 1e12}], "fewer processes"),
]


test_accepts_a_right_answer, test_stays_quiet_on_the_stub, test_explains_a_wrong_answer = (
    three_tests(RIGHT, WRONG)
)


def test_looks_counts_reads_and_nothing_else():
    value = torch.tensor(2.0)
    assert exercises.looks(lambda: [value.item(), float(value), bool(value)]) == 3
    assert exercises.looks(lambda: torch.where(value > 1, value, 0.0).sum()) == 0


def test_a_fingerprint_sees_one_bit_and_a_buffer():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    before = exercises.fingerprint(net)
    assert len(before) == 64 and exercises.fingerprint(net) == before
    with torch.no_grad():
        weight = net[0].weight
        weight[0, 0] = torch.nextafter(weight[0, 0], torch.tensor(9.0))
    changed = exercises.fingerprint(net)
    net[1].running_mean += 1
    assert len({before, changed, exercises.fingerprint(net)}) == 3


def test_distance_is_that_of_the_weights_as_one_vector():
    one = {"a": torch.zeros(2, 2), "b": torch.zeros(1)}
    other = {"a": torch.tensor([[3.0, 0.0], [0.0, 0.0]]), "b": torch.tensor([4.0])}
    assert exercises.distance(one, other) == 5.0
