"""Divergences against integrals and closed forms; densities on a window against plain sums."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lsgan_lib.data import Mixture, triangle
from lsgan_lib.evaluation.divergences import (
    blurred_jensen_shannon,
    jensen_shannon,
    kullback_leibler,
    triangular,
)
from lsgan_lib.evaluation.window import Window


def pair_of_tables(numbers):
    p, q = torch.tensor(numbers, dtype=torch.float64).view(2, -1)
    return p / p.sum(), q / q.sum()


PAIRS = st.lists(st.floats(0.01, 1.0), min_size=12, max_size=12).map(pair_of_tables)


@pytest.mark.parametrize("shift", [0, 1, 5, 10, 15])
def test_two_boxes_need_no_sum(shift):
    """Width 10: JS = log 2 min(d, 1) and T = 2 min(d, 1), with d the shift in widths."""
    p, q = torch.zeros(2, 30).double()
    p[:10], q[shift : shift + 10] = 0.1, 0.1
    share = min(shift / 10, 1)
    assert jensen_shannon(p, q).item() == pytest.approx(share * math.log(2), abs=1e-12)
    assert triangular(p, q).item() == pytest.approx(2 * share)
    assert kullback_leibler(p, q).item() == (0 if shift == 0 else math.inf)


@given(PAIRS)
def test_jensen_shannon_is_symmetric_and_bounded_by_the_triangular_discrimination(pair):
    """Topsoe 2000: T/4 <= JS <= log 2 / 2 T. A route that shares no formula with the code."""
    p, q = pair
    js, t = jensen_shannon(p, q).item(), triangular(p, q).item()
    assert js == pytest.approx(jensen_shannon(q, p).item(), abs=1e-12)
    assert t / 4 - 1e-9 <= js <= math.log(2) / 2 * t + 1e-9


def test_kullback_leibler_of_two_normals_is_half_the_squared_distance():
    x = torch.linspace(-12, 14, 5201, dtype=torch.float64)
    p, q = (torch.exp(-((x - m) ** 2) / 2) * (x[1] - x[0]) / math.sqrt(2 * math.pi) for m in (0, 2))
    assert kullback_leibler(p, q).item() == pytest.approx(2.0, abs=1e-6)


@pytest.mark.parametrize("measure", [kullback_leibler, jensen_shannon, triangular])
def test_what_is_no_pair_of_tables_is_refused(measure):
    p = torch.tensor([0.5, 0.5])
    with pytest.raises(ValueError, match=r"same places, but have shapes \(2,\) and \(3,\)"):
        measure(p, torch.tensor([0.2, 0.3, 0.5]))
    with pytest.raises(ValueError, match="q must hold probabilities.*not 2"):
        measure(p, torch.tensor([1.0, 1.0]))
    with pytest.raises(ValueError, match="p must hold probabilities"):
        measure(torch.tensor([1.5, -0.5]), p)


def test_the_nodes_run_row_by_row_from_below():
    nodes = Window(span=1.0, side=3).nodes
    assert nodes[:4].tolist() == [[-1, -1], [0, -1], [1, -1], [-1, 0]]


def test_kernel_density_is_the_mean_of_bumps():
    window, points = Window(span=1.0, side=12), torch.randn(7, 2) / 2
    found = window.kernel_density(points, 0.3)
    for row, column in [(0, 0), (3, 9), (11, 4)]:
        x, y = window.line[column].item(), window.line[row].item()
        bumps = [
            math.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * 0.09)) / (2 * math.pi * 0.09)
            for a, b in points.tolist()
        ]
        assert found[row, column].item() == pytest.approx(np.mean(bumps), rel=1e-4)


def test_a_table_counts_what_lies_outside():
    """Half of a mode in the middle of an edge is in the window, a quarter at a corner."""
    window = Window(span=2.0, side=81)
    for centre, inside in (([0.0, 0.0], 1.0), ([2.0, 0.0], 0.5), ([2.0, 2.0], 0.25)):
        mode = Mixture(torch.tensor([centre]), torch.ones(1), 0.2)
        table = window.table(window.density(mode))
        assert table.sum().item() == pytest.approx(1)
        # the cells of the outermost nodes reach half a cell beyond the edge
        assert table[:-1].sum().item() == pytest.approx(inside, abs=0.06)
    far = window.table(window.kernel_density(torch.full((5, 2), 9.0), 0.1))
    assert far[-1].item() == pytest.approx(1)


def test_blur_of_a_mixture_is_exact():
    """Blurred density = density convolved with a normal, here by moving 200,000 samples."""
    window = Window(side=33)
    points = triangle().sample(200_000, torch.Generator().manual_seed(0))
    moved = points + 0.3 * torch.randn(points.shape, generator=torch.Generator().manual_seed(1))
    line = np.append(window.line.numpy() - window.spacing / 2, 2 + window.spacing / 2)
    counted, _, _ = np.histogram2d(moved[:, 1], moved[:, 0], bins=[line, line])
    cells = window.density(triangle(), 0.3) * window.spacing**2
    assert np.abs(counted / 200_000 - cells.numpy()).max() < 3e-3 * 3
    assert (window.density(triangle(), 0.3) - window.density(triangle())).abs().max() > 0.3


def test_samples_of_the_data_come_close_and_others_do_not():
    window, data = Window(), triangle()
    random = torch.Generator().manual_seed(0)
    near = blurred_jensen_shannon(data.sample(2000, random), data, window, 0.1)
    one_mode = data.centres[0] + 0.25 * torch.randn(2000, 2, generator=random)
    half = blurred_jensen_shannon(one_mode, data, window, 0.1)
    away = blurred_jensen_shannon(torch.full((100, 2), 50.0), data, window, 0.1)
    assert near < 0.01
    # modes that hardly overlap are like places: half of the data lie where all samples do
    p, q = torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0])
    assert half.item() == pytest.approx(jensen_shannon(p, q).item(), abs=0.02)
    assert away.item() == pytest.approx(math.log(2), abs=1e-3)


def test_more_blur_makes_two_distributions_more_alike():
    points = triangle().sample(500, torch.Generator().manual_seed(3)) * 0.7
    values = [blurred_jensen_shannon(points, triangle(), Window(), b) for b in (0.08, 0.15, 0.3, 1)]
    assert values == sorted(values, reverse=True)


def test_bumps_that_fall_between_the_nodes_are_refused():
    with pytest.raises(ValueError, match="lost between nodes"):
        Window(side=16).kernel_density(torch.zeros(1, 2), 0.1)
    with pytest.raises(ValueError, match="positive span"):
        Window(span=0.0)
    with pytest.raises(ValueError, match=r"points must be \(N, 2\)"):
        Window().kernel_density(torch.zeros(2), 0.1)
