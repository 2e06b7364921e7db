"""Pictures: pixels where they belong, colours that everybody can tell apart."""

import io

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

from lsgan_lib import figures  # noqa: E402


@pytest.fixture(autouse=True)
def close_figures():
    """Leave no figure open for the next test."""
    with plt.rc_context():
        figures.use_style()
        yield
        plt.close("all")


def test_pixels_from_minus_one_to_one():
    images = torch.tensor([-1.0, 0.0, 1.0, 7.0]).view(1, 1, 2, 2)
    assert figures.as_pixels(images).flatten().tolist() == [0, 128, 255, 255]


def test_bytes_pass_unchanged():
    images = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).view(2, 3, 4, 5)
    pixels = figures.as_pixels(images)
    assert pixels.shape == (2, 4, 5, 3)
    assert pixels[1, 2, 3, 0] == images[1, 0, 2, 3]


@pytest.mark.parametrize("shape", [(28, 28), (5, 2, 28, 28), (784,)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="images must have shape"):
        figures.as_pixels(torch.zeros(shape))


def test_tile_reads_left_to_right_and_leaves_white_where_no_image_is():
    images = torch.arange(3, dtype=torch.uint8).view(3, 1, 1, 1)
    page = figures.tile(images, columns=2, gap=1)
    assert page.shape == (3, 3, 3)
    assert page[..., 0].tolist() == [[0, 255, 1], [255, 255, 255], [2, 255, 255]]


def test_tile_of_fewer_images_than_columns_has_no_empty_columns():
    assert figures.tile(torch.zeros(2, 3, 4, 4), columns=8, gap=2).shape == (4, 10, 3)


def test_a_strip_mixes_files_and_arrays(tmp_path):
    file = tmp_path / "grid.png"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(file)
    figures.strip_of_pictures([file, np.zeros((8, 8, 3), np.uint8)], ["one", "two"])
    assert [ax.get_title() for ax in plt.gcf().axes] == ["one", "two"]
    with pytest.raises(ValueError, match="2 pictures need as many titles, got 1"):
        figures.strip_of_pictures([file, file], ["one"])


def test_training_curves_take_rows_and_columns():
    rows = [
        {"images": n, "critic_loss": 1 / n, "generator_loss": n, "score_real": 0.7, "score_fake": n}
        for n in (1000, 2000)
    ]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    for history in (rows, columns):
        figures.training_curves(history, equilibrium={"critic_loss": 0.25})
        losses, scores = plt.gcf().axes
        assert np.asarray(losses.lines[0].get_xydata()).tolist() == [[1, 1 / 1000], [2, 1 / 2000]]
        assert list(losses.lines[1].get_ydata()) == [0.25, 0.25]
        assert len(scores.lines) == 2


def test_named_curves_take_the_books_colours():
    _, ax = plt.subplots()
    x = torch.linspace(0, 1, 5)
    figures.curves(ax, x, {"least squares": x, "cross-entropy": x, "anything else": x})
    colours = [line.get_color() for line in ax.lines]
    assert colours[:2] == [figures.PALETTE["least_squares"], figures.PALETTE["cross_entropy"]]


def test_points_take_the_colour_of_what_they_are():
    _, ax = plt.subplots()
    figures.scatter_points(ax, torch.zeros(3, 2), "fake", s=4)
    assert ax.collections[0].get_sizes().tolist() == [4]
    with pytest.raises(KeyError):
        figures.scatter_points(ax, torch.zeros(3, 2), "neither")


def as_seen_without(missing: str, colour: str) -> np.ndarray:
    """Linear RGB as seen with one kind of cone missing (Viénot, Brettel and Mollon 1999)."""
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_lms = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
    )
    lms = to_lms @ linear
    if missing == "red":
        lms[0] = 2.02344 * lms[1] - 2.52581 * lms[2]
    else:
        lms[1] = 0.494207 * lms[0] + 1.24827 * lms[2]
    return np.linalg.inv(to_lms) @ lms


@pytest.mark.parametrize("missing", ["red", "green"])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("real", "fake"),
        ("critic", "generator"),
        ("least_squares", "cross_entropy"),
        ("least_squares", "loss_sensitive"),
        ("least_squares", "wasserstein"),
        ("loss_sensitive", "wasserstein"),
    ],
)
def test_colours_that_meet_in_one_figure_stay_apart(missing, one, other):
    a = as_seen_without(missing, figures.PALETTE[one])
    b = as_seen_without(missing, figures.PALETTE[other])
    assert np.linalg.norm(a - b) > 0.15


def test_few_colours_keep_the_size_and_the_look(monkeypatch):
    """What reaches the page: a smaller file of the same picture, and the text nbval compares."""
    sent = []
    monkeypatch.setattr(figures.mpl, "get_backend", lambda: "module://inline")
    monkeypatch.setattr(
        "IPython.display.display", lambda *bundle, **more: sent.append((bundle, more))
    )
    figure, ax = plt.subplots(figsize=(4, 3))
    ax.imshow(np.linspace(0, 1, 400).reshape(20, 20))
    ax.scatter(np.arange(20), np.arange(20), color="red", alpha=0.5)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=160, bbox_inches="tight", pad_inches=0.1)
    figures.shown_in_few_colours(figure, 64)
    ((bundle,), more) = sent[0]
    assert bundle["text/plain"] == "<Figure size 320x240 with 1 Axes>"
    whole, few = (
        np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=float)
        for data in (file.getvalue(), bundle["image/png"])
    )
    size = more["metadata"]["image/png"]
    assert (size["height"], size["width"]) == tuple(side // 2 for side in few.shape[:2])
    assert whole.shape == few.shape and np.abs(whole - few).mean() < 4
    assert len(bundle["image/png"]) < 0.7 * len(file.getvalue())
    assert not plt.fignum_exists(figure.number)
