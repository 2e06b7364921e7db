"""The shape diagram says what the table says."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import pytest  # noqa: E402
from matplotlib.colors import to_rgb  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402

from lsgan_lib.diagrams import _short, shape_diagram  # noqa: E402
from lsgan_lib.exercises.chapter_03 import tables  # noqa: E402


@pytest.fixture
def drawn():
    rows = tables(size=28, width=1 / 16, dropout=0.5)
    with plt.rc_context():
        shape_diagram(*rows)
        figure = plt.gcf()
        figure.canvas.draw()
        yield rows[0] + rows[1], figure
        plt.close("all")


def boxes(figure):
    return [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]


def test_one_box_a_layer_as_tall_as_its_pixels_and_as_wide_as_its_channels(drawn):
    rows, figure = drawn
    assert len(boxes(figure)) == len(rows)
    for row, box in zip(rows, boxes(figure), strict=True):
        pixels = row.gives[1] if len(row.gives) == 3 else 1
        assert box.get_height() == pytest.approx(2.4 * pixels / 28 + 0.03)
        assert box.get_width() == pytest.approx(0.62 * row.gives[0] / 32 + 0.06)


def test_filled_where_batchnorm_follows(drawn):
    rows, figure = drawn
    white = [to_rgb(box.get_facecolor()) == (1, 1, 1) for box in boxes(figure)]
    assert white == [not row.norm for row in rows]


def test_words_do_not_overlap_and_stay_inside(drawn):
    _, figure = drawn
    page = figure.bbox
    areas = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    assert all(page.x0 <= a.x0 and a.x1 <= page.x1 and page.y0 <= a.y0 for a in areas)
    for i, one in enumerate(areas):
        assert not any(one.overlaps(other) for other in areas[i + 1 :])


def test_networks_that_do_not_fit_are_refused():
    generator, _ = tables(size=28, width=1 / 16)
    _, critic = tables(size=32, width=1 / 16)
    with pytest.raises(ValueError, match="generator gives"):
        shape_diagram(generator, critic)


@pytest.mark.parametrize(
    ("count", "short"),
    [(577, "577"), (1_664, "1.66k"), (105_472, "105k"), (999_700, "1M"), (12_882_688, "12.9M")],
)
def test_short_numbers(count, short):
    assert _short(count) == short
