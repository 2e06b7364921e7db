"""Costs of a margin violation: the two conditions of GLS-GAN, and who is refused for breaking them.

C(a) >= a for every a, and C(a) = a for a >= 0.
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lsgan_lib.losses.costs import absolute, elu, leaky

fast = settings(deadline=None, derandomize=True, max_examples=100)

VIOLATION = st.floats(-50, 50)
PARAMETER = st.floats(-20, 1)


def single(value: float) -> Tensor:
    return torch.tensor([value], dtype=torch.float64)


# --- the conditions -----------------------------------------------------------------------------


@fast
@given(a=VIOLATION, parameter=PARAMETER)
def test_every_accepted_cost_keeps_both_conditions(a: float, parameter: float) -> None:
    for cost in (leaky(parameter), elu(parameter), absolute()):
        value = cost(single(a)).item()
        assert value >= a - 1e-15  # one rounding of exp(a) - 1 next to zero
        if a >= 0:
            assert value == a


@fast
@given(slope=st.floats(1, 1e6, exclude_min=True))
def test_a_refused_slope_would_break_the_condition(slope: float) -> None:
    assert slope * -1.0 < -1.0  # the witness: C(-1) < -1
    with pytest.raises(ValueError, match="^slope is .* above 1"):
        leaky(slope)


@fast
@given(alpha=st.floats(1.001, 1e6))
def test_a_refused_alpha_would_break_the_condition(alpha: float) -> None:
    """The curve has slope alpha at 0, so it dips below the line before its floor can save it."""
    witness = -(alpha - 1) / alpha
    assert alpha * math.expm1(witness) < witness
    with pytest.raises(ValueError, match="^alpha is .* above 1"):
        elu(alpha)


@pytest.mark.parametrize("parameter", [-3.0, -1.0, 0.0, 0.5, 0.999, 1.0, 1.001, 1.5, 4.0])
def test_accepted_are_exactly_the_parameters_that_keep_the_condition(parameter: float) -> None:
    """Decided on a fine grid left of zero from the formulas themselves, not from our functions."""
    a = -np.geomspace(1e-5, 20, 2000)
    for family, curve in [(leaky, parameter * a), (elu, parameter * np.expm1(a))]:
        if (curve >= a).all():
            family(parameter)
        else:
            with pytest.raises(ValueError):
                family(parameter)


# --- values -------------------------------------------------------------------------------------


@fast
@given(a=VIOLATION, parameter=PARAMETER)
def test_costs_are_the_curves_of_their_docstrings(a: float, parameter: float) -> None:
    assert leaky(parameter)(single(a)).item() == max(a, parameter * a)
    left = parameter * math.expm1(min(a, 0))
    assert elu(parameter)(single(a)).item() == pytest.approx(a if a >= 0 else left, abs=1e-12)
    assert absolute()(single(a)).item() == math.hypot(a)


@fast
@given(values=st.lists(VIOLATION, min_size=1, max_size=6))
def test_named_members_of_the_leaky_family(values: list[float]) -> None:
    violations = torch.tensor(values, dtype=torch.float64)
    assert torch.equal(leaky(1.0)(violations), violations)  # WGAN's
    assert torch.equal(leaky(-1.0)(violations), absolute()(violations))
    assert torch.equal(leaky()(violations), violations.clamp_min(0))  # LS-GAN's hinge


def test_elu_has_a_floor_at_minus_alpha() -> None:
    far_left = torch.tensor([-1e3, -1e30])
    assert torch.equal(elu(0.25)(far_left), torch.tensor([-0.25, -0.25]))
    assert torch.equal(elu()(far_left), torch.tensor([-1.0, -1.0]))


# --- gradients ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost", "left"),
    [
        (leaky(0.0), 0.0),
        (leaky(0.3), 0.3),
        (leaky(-1.0), -1.0),
        (leaky(1.0), 1.0),
        (absolute(), -1.0),
        (elu(0.5), 0.5 * math.exp(-2)),
        (elu(-0.5), -0.5 * math.exp(-2)),
    ],
)
def test_pull_of_a_broken_and_of_a_kept_margin(cost, left: float) -> None:
    """Right of zero every cost pulls with slope 1; left of it (here at -2) they differ."""
    violations = torch.tensor([-2.0, 3.0], dtype=torch.float64, requires_grad=True)
    cost(violations).sum().backward()
    assert violations.grad.tolist() == pytest.approx([left, 1.0], abs=1e-12)
    assert torch.autograd.gradcheck(cost, violations)


# --- guards -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_parameters_must_be_finite(value: float) -> None:
    with pytest.raises(ValueError, match=f"^slope must be a finite number, not {value!r}"):
        leaky(value)
    with pytest.raises(ValueError, match=f"^alpha must be a finite number, not {value!r}"):
        elu(value)


def test_a_cost_leaves_its_argument_alone() -> None:
    for cost in (leaky(0.2), elu(0.7), absolute()):
        violations = torch.tensor([-1.0, 2.0])
        cost(violations)
        assert violations.tolist() == [-1.0, 2.0]
