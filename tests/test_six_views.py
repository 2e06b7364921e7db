"""What the six views show, for networks whose views one can work out, and that it is drawn."""

import math
from types import SimpleNamespace

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

from lsgan_lib import six_views as drawn  # noqa: E402
from lsgan_lib.data import triangle  # noqa: E402
from lsgan_lib.evaluation.views import Looks, Viewer, pushes, thickness  # noqa: E402
from lsgan_lib.evaluation.window import Window  # noqa: E402
from lsgan_lib.labs import repaint as repaint_module  # noqa: E402
from lsgan_lib.labs.replay import replay  # noqa: E402
from lsgan_lib.losses.objectives import CrossEntropy, LeastSquares  # noqa: E402
from lsgan_lib.networks import MLPNetworks  # noqa: E402


class Stretch(nn.Module):
    """z -> (2 z_1, z_2): a rectangle of area 8 for uniform noise."""

    def __init__(self, z_dim=2):
        super().__init__()
        self.z_dim = z_dim
        self.factor = nn.Parameter(torch.tensor([2.0, 1.0]))

    def forward(self, z):
        return z[:, :2] * self.factor


class Uphill(nn.Module):
    """The score is three times the first coordinate."""

    def forward(self, points):
        return 3 * points[:, 0]


VIEWER = Viewer(triangle(), CrossEntropy(), Window(span=2.0, side=50), count=200, arrows=20)


@pytest.fixture
def views():
    return VIEWER.look(Stretch(), Uphill(), shown=1280)


def test_views_of_networks_that_one_knows(views):
    assert views.fake.shape == (200, 2) and views.fake[:, 0].abs().max() <= 2
    torch.testing.assert_close(views.scores[0], 3 * VIEWER.window.line)
    torch.testing.assert_close(views.scores[0], views.scores[-1])
    torch.testing.assert_close(views.lattice[0, 0], torch.tensor([-2.0, -1.0]))
    torch.testing.assert_close(views.lattice[-1, 0], torch.tensor([2.0, -1.0]))
    torch.testing.assert_close(views.thickness, torch.full((16, 16), 1 / 8))
    torch.testing.assert_close(views.push_at, views.fake[:20])
    low, high = views.usual_scores
    assert -6 <= low < 0 < high <= 6
    assert 0.1 < views.divergence < math.log(2) and views.shown == 1280
    for value in vars(views).values():
        assert not isinstance(value, torch.Tensor) or not value.requires_grad


def test_a_push_is_minus_the_slope_times_the_critic_s():
    """(1.5): -log sigma(s) pushes by (1 - sigma(s)) ds/dx; least squares by (1 - s) ds/dx."""
    points = torch.tensor([[0.5, 1.0], [-1.0, 0.0]])
    score = 3 * points[:, 0]
    usual = pushes(CrossEntropy().generator_loss, Uphill(), points)
    torch.testing.assert_close(usual[:, 0], 3 * (1 - torch.sigmoid(score)))
    assert usual[:, 1].abs().max() == 0
    with torch.no_grad():  # a caller that draws does not want gradients
        squares = pushes(LeastSquares().generator_loss, Uphill(), points)
    torch.testing.assert_close(squares[:, 0], 3 * (1 - score))


def test_the_same_moment_looks_the_same_twice(views):
    again = VIEWER.look(Stretch(), Uphill(), shown=1280)
    assert torch.equal(views.fake, again.fake) and views.divergence == again.divergence


def test_normal_noise_is_cut_into_equal_shares():
    viewer = Viewer(triangle(), CrossEntropy(), noise="normal", lines=50, count=100)
    lattice = viewer.look(Stretch(), Uphill(), 0).lattice
    cut = torch.special.ndtr(lattice[:, 0, 0] / 2)
    torch.testing.assert_close(cut, torch.linspace(0.01, 0.99, 50), atol=1e-4, rtol=0)


def test_more_noise_coordinates_give_a_slice():
    lattice = VIEWER.look(Stretch(z_dim=5), Uphill(), 0).lattice
    torch.testing.assert_close(lattice, VIEWER.look(Stretch(), Uphill(), 0).lattice)


def test_thickness_is_share_over_area_and_a_fold_is_infinite():
    square = torch.tensor([[[0.0, 0.0], [0.0, 2.0]], [[3.0, 0.0], [3.0, 2.0]]])
    assert thickness(square, 0.75).tolist() == [[0.125]]
    assert thickness(square * torch.tensor([1.0, 0.0]), 0.5).tolist() == [[math.inf]]


def test_settings_that_cannot_be_drawn_are_refused():
    for wrong in ({"lines": 1}, {"arrows": 0}, {"arrows": 3000}):
        with pytest.raises(ValueError, match="at least 2 lines"):
            Viewer(triangle(), CrossEntropy(), **wrong)
    with pytest.raises(ValueError, match="noise must be one of"):
        Viewer(triangle(), CrossEntropy(), noise="poisson")


def history():
    return [{"images": n, "critic_loss": 1.2, "generator_loss": 0.8} for n in (1280, 2560)]


def test_all_six_are_drawn(views):
    open_before = plt.get_fignums()
    figure = drawn.six_views(
        views,
        history(),
        ([0, 1280, 2560], [0.6, 0.3, 0.2]),
        real=VIEWER.real(),
        span=2.0,
        equilibrium={"critic": 2 * math.log(2)},
    )
    axes = figure.axes
    assert len({ax.get_title() for ax in axes}) == 6
    assert len(axes[0].collections) == 2  # real and generated points
    np.testing.assert_allclose(axes[0].collections[1].get_offsets(), views.fake[:500])
    assert len(axes[2].collections[0].get_paths()) == 16 * 16
    losses = axes[4].lines
    assert losses[0].get_xydata().tolist() == [[1.28, 1.2], [2.56, 1.2]]
    assert losses[1].get_ydata()[0] == pytest.approx(2 * math.log(2))
    assert axes[5].lines[0].get_xydata().tolist() == [[0, 0.6], [1.28, 0.3], [2.56, 0.2]]
    assert axes[5].lines[1].get_xdata() == [1.28, 1.28]  # where we are
    assert drawn.png(figure)[:4] == b"\x89PNG"
    assert plt.get_fignums() == open_before  # a slider makes hundreds, and none is kept


def test_arrows_point_where_the_points_are_pushed_and_none_is_endless(views):
    figure, ax = plt.subplots()
    views.push[0] *= 1000
    drawn.draw_pushes(ax, views, 2.0)
    quiver = ax.collections[-1]
    arrows = np.stack([quiver.U, quiver.V], axis=1)
    assert np.hypot(*arrows.T).max() <= 2.0 / 4 + 1e-6
    cosine = (
        (arrows * views.push.numpy()).sum(1) / np.hypot(*arrows.T) / views.push.norm(dim=1).numpy()
    )
    np.testing.assert_allclose(cosine, 1, rtol=1e-5)
    views.push.zero_()  # a critic without slope
    drawn.draw_pushes(ax, views, 2.0)
    plt.close(figure)


def test_a_watch_keeps_what_it_saw_and_a_replay_shows_it(monkeypatch):
    boxes = []
    monkeypatch.setattr(repaint_module, "show_live", lambda box, sentence: boxes.append(box))
    random = torch.Generator().manual_seed(0)
    networks = MLPNetworks(z_dim=2, hidden=8)
    watch = Looks(VIEWER)
    for shown in (0, 1280, 2560):
        players = networks.generator(random), networks.critic(random)
        watch(SimpleNamespace(generator=players[0], critic=players[1], shown=shown))
    assert watch.divergences[0] == [0, 1280, 2560]
    assert watch.divergences[1] == [frame.divergence for frame in watch.frames]
    replay(watch.frames, history(), real=VIEWER.real(), span=2.0, panels=2)
    assert len(plt.gcf().axes) == 6  # two moments, three rows
    slider, image, status = boxes[0].children
    assert slider.options[-1] == ("2.56 k", 2) and slider.index == 2
    last = bytes(image.value)
    slider.index = 0
    assert bytes(image.value) != last and "points shown = 0 k" in status.value
    plt.close("all")
