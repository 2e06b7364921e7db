"""The checks of chapter 03 accept right answers, explain wrong ones, and stay quiet on stubs.

What the chapter says about overlaps and about BatchNorm is tested here by other routes.
"""

import ast
from pathlib import Path

import pytest
import torch
from exercise_checks import three_tests
from torch import nn
from torch.nn import functional

import lsgan_lib
from lsgan_lib.exercises import chapter_03 as exercises
from lsgan_lib.networks import LeastSquaresNetworks
from lsgan_lib.networks.spread import kinds_of_pixel

LIBRARY = Path(lsgan_lib.__file__).parent


def transposed(x, kernel, stride):
    """Zeros between the inputs, then an ordinary convolution with the kernel turned round."""
    spaced = torch.zeros((len(x) - 1) * stride + 1)
    spaced[::stride] = x
    padded = functional.pad(spaced, (len(kernel) - 1,) * 2)
    return functional.conv1d(padded[None, None], kernel.flip(0)[None, None])[0, 0]


def norm(x, mean, var, training):
    if training:
        n = len(x)
        m = x.sum(0) / n
        v = (x**2).sum(0) / n - m**2
        return (x - m) * v.rsqrt(), mean + (m - mean) / 10, var + (v * n / (n - 1) - var) / 10
    return (x - mean) * var.rsqrt(), mean, var


def enlarge(into, out):
    return nn.Sequential(nn.Conv2d(into, 4 * out, 3, padding=1), nn.PixelShuffle(2))


def double(into, out):
    return nn.ConvTranspose2d(into, out, 3, 2, 1, output_padding=1)


RIGHT = {
    "3.1": (exercises.check_3_1, [[7, 13, 25, 50, 100], [0, 0, 1, 1], 840_448]),
    "3.2": (exercises.check_3_2, ["linear", "deconv4", 0.0105]),
    "3.3": (exercises.check_3_3, [transposed]),
    "3.4": (exercises.check_3_4, [[50, 40, 40, 32]]),
    "3.5": (exercises.check_3_5, [norm]),
    "3.6": (exercises.check_3_6, [0.055]),
    "3.7": (exercises.check_3_7, [enlarge]),
}


def reversed_kernel(x, kernel, stride):
    return transposed(x, kernel.flip(0), stride)


def biased(x, mean, var, training):
    y, mean, _ = norm(x, mean, var, training)
    return y, mean, 0.9 * var + 0.1 * x.var(0, correction=0)


def unbiased_output(x, mean, var, training):
    return (x - x.mean(0)) / x.std(0), mean, var


def swapped_decay(x, mean, var, training):
    y, _, var = norm(x, mean, var, training)
    return y, 0.1 * mean + 0.9 * x.mean(0), var


def always_moving(x, mean, var, training):
    y, m, v = norm(x, mean, var, True)
    return (y if training else norm(x, mean, var, False)[0]), m, v


WRONG = [
    (exercises.check_3_1, [[6, 12, 25, 50, 100], [0, 0, 1, 1], 840_448], "rounding up"),
    (exercises.check_3_1, [[7, 13, 25, 50, 100], [1, 1, 1, 1], 840_448], "(3.3)"),
    (exercises.check_3_1, [[7, 13, 25, 50, 100], [0, 0, 1, 1], 815_360], "scale and a shift"),
    (exercises.check_3_1, [[7, 13, 25, 50, 100], [0, 0, 1, 1], 802_816], "64 weights"),
    (exercises.check_3_2, ["deconv1", "deconv4", 0.0105], "`parameters`"),
    (exercises.check_3_2, ["linear", "deconv6", 0.0105], "`mult.`"),
    (exercises.check_3_2, ["linear", "deconv4", 1.05], "a share, not %"),
    (exercises.check_3_2, ["fc", "deconv4", 1.05], "choose one of"),
    (exercises.check_3_3, [reversed_kernel], "order"),
    (exercises.check_3_3, [lambda x, kernel, stride: x], "give 3 back"),
    (exercises.check_3_3, [lambda x, k, t: 2 * transposed(x, k, t)], "copies add up"),
    (exercises.check_3_4, [[16, 20, 20, 25]], "whom does it have around it"),
    (exercises.check_3_4, [[1, 2, 2, 4]], "nine squares"),
    (exercises.check_3_5, [unbiased_output], "correction=0"),
    (exercises.check_3_5, [biased], "unbiased"),
    (exercises.check_3_5, [swapped_decay], "nine tenths"),
    (exercises.check_3_5, [always_moving], "stay as they are"),
    (exercises.check_3_5, [lambda x, m, v, training: x], "return three things"),
    (exercises.check_3_6, [0.02], "still grey"),
    (exercises.check_3_6, [0.1], "saturated"),
    (exercises.check_3_6, [7], "between 0 and 1"),
    (exercises.check_3_7, [double], "times as strong"),
    (exercises.check_3_7, [lambda into, out: nn.Upsample(scale_factor=2)], "should become"),
    (exercises.check_3_7, [lambda into, out: "conv"], "nn.Module"),
]


test_accepts_a_right_answer, test_stays_quiet_on_the_stub, test_explains_a_wrong_answer = (
    three_tests(RIGHT, WRONG)
)


# --- what the chapter says, by other routes -------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.ConvTranspose2d(16, 64, 3, 2, 1, output_padding=1), (1, 2, 2, 4)),
        (nn.ConvTranspose2d(16, 64, 4, 2, 1), (1, 1, 1, 1)),
        (nn.ConvTranspose2d(16, 64, 5, 2, 2, output_padding=1), (9, 6, 6, 4)),
    ],
    ids=["kernel 3", "kernel 4", "kernel 5"],
)
def test_random_weights_show_the_overlap(layer, expected):
    """(3.4) as a variance: outputs are sums of so many independent terms."""
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        layer.weight.normal_(generator=random)
        layer.bias.zero_()
        squares = kinds_of_pixel(
            layer(torch.randn(64, 16, 12, 12, generator=random))[..., 4:-4, 4:-4]
        )
    share = torch.tensor(expected, dtype=torch.float64) / sum(expected)
    torch.testing.assert_close(squares / squares.sum(), share, rtol=0.1, atol=0.0)


@pytest.mark.parametrize("size", [28, 50, 100])
def test_generator_and_critic_walk_through_the_same_sizes(size):
    generator, critic = exercises.tables(size=size, width=1 / 64)
    up = [row.takes[-1] for row in generator if row.stride == 2] + [size]
    down = [critic[0].takes[-1]] + [row.gives[-1] for row in critic if row.stride == 2]
    assert up == down[::-1]


def test_batchnorm_hides_the_contrast_of_a_batch():
    """A critic with BatchNorm hardly notices that a whole batch is three times as pale."""
    random = torch.Generator().manual_seed(0)
    images = torch.randn(32, 1, 28, 28, generator=random)
    spread = {}
    for norm in (True, False):
        critic = LeastSquaresNetworks(width=0.25, critic_norm=norm).critic(random)
        with torch.no_grad():
            scores = [critic(share * images).std() for share in (1.0, 1 / 3)]
        spread[norm] = (scores[0] / scores[1]).item()
    assert spread[True] == pytest.approx(1, abs=0.05)
    assert spread[False] == pytest.approx(3, abs=0.05)


def batchnorms_with_a_second_argument(source: str) -> int:
    """Calls such as BatchNorm2d(n, 0.8), whose second argument is eps and not momentum."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = [(getattr(c.func, "attr", getattr(c.func, "id", "")), len(c.args)) for c in calls]
    return sum(name.startswith("BatchNorm") and count > 1 for name, count in names)


def test_no_batchnorm_is_given_a_second_positional_argument():
    assert batchnorms_with_a_second_argument("nn.BatchNorm2d(64, 0.8)") == 1  # planted
    files = [*LIBRARY.rglob("*.py")]
    assert len(files) > 50
    for file in files:
        assert batchnorms_with_a_second_argument(file.read_text(encoding="utf-8")) == 0, file
