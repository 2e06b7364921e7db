"""What chapters share: claims, printed source, recorded runs, checks of exercises."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from lsgan_lib import book
from lsgan_lib.errors import BookError
from lsgan_lib.exercises import (
    NotAttempted,
    Unusable,
    choice,
    close,
    correct,
    exercise,
    not_yet,
    number,
    result,
    tensor,
)
from lsgan_lib.losses import least_squares
from lsgan_lib.networks import LeastSquaresNetworks
from lsgan_lib.training import Recipe, RunDirectory
from lsgan_lib.training.recipe import to_json

# --- start and claims ---------------------------------------------------------------------------


def test_setup_prints_one_line_and_makes_draws_repeat(capsys):
    book.setup(seed=4)
    first = torch.rand(3)
    book.setup(seed=4)
    assert torch.equal(first, torch.rand(3))
    assert capsys.readouterr().out == "Ready: seed 4, 1 thread.\n" * 2


def test_more_threads_on_request(monkeypatch, capsys):
    monkeypatch.setenv("LSGAN_THREADS", "2")
    book.setup()
    try:
        assert torch.get_num_threads() == 2
        assert "2 threads" in capsys.readouterr().out
    finally:
        torch.set_num_threads(1)


def test_a_claim_that_holds_prints_its_sentence(capsys):
    book.claim(torch.tensor(2.0) > 1, "two is more than one")
    assert capsys.readouterr().out == "✓ two is more than one\n"


def test_a_claim_that_fails_stops_the_chapter(capsys):
    with pytest.raises(AssertionError, match="contradicts the text: one is more than two"):
        book.claim(np.float64(1) > 2, "one is more than two")
    assert capsys.readouterr().out == ""


def test_the_library_is_light():
    """Neither matplotlib nor ipywidgets comes with the parts that do not draw."""
    parts = "lsgan_lib, lsgan_lib.book, lsgan_lib.exercises, lsgan_lib.errors"
    heavy = f"import {parts}, sys; print({{'matplotlib', 'ipywidgets'}} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True)
    assert found.stdout.strip() == "set()", found.stderr


# --- printed source -----------------------------------------------------------------------------


def test_source_is_headed_by_the_file_it_stands_in(capsys):
    book.show_source(least_squares.critic_loss, least_squares.generator_loss)
    out = capsys.readouterr().out
    assert out.startswith("# lsgan_lib/losses/least_squares.py\ndef critic_loss(")
    assert out.count("# lsgan_lib/losses/least_squares.py") == 2
    assert "return 0.5 * (fake - c).square().mean()" in out
    assert str(book.REPOSITORY) not in out


def test_a_method_is_printed_without_its_indentation():
    assert "\ndef sample_at(self" in book.source_of(book.RecordedRun.sample_at)


# --- recorded runs ------------------------------------------------------------------------------


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A recorded run without weights, as most are."""
    folder = tmp_path / "runs" / "small"
    (folder / "samples").mkdir(parents=True)
    (folder / "recipe.json").write_text("{}")
    (folder / "run.json").write_text(json.dumps({"device": "cpu"}))
    (folder / "log.csv").write_text("images,critic_loss,penalty\n0,0.5,\n1000,0.25,2\n")
    for images in (1000, 60000, 420000, 5):
        (folder / "samples" / f"{images:09d}.png").write_bytes(b"")
    monkeypatch.setattr(book, "ASSETS", tmp_path)
    return book.load_run("small")


def test_log_comes_as_columns(recorded):
    np.testing.assert_array_equal(recorded.log["images"], [0, 1000])
    np.testing.assert_array_equal(recorded.log["critic_loss"], [0.5, 0.25])
    assert np.isnan(recorded.log["penalty"][0])


def test_samples_come_in_the_order_of_training(recorded):
    assert [int(path.stem) for path in recorded.samples] == [5, 1000, 60_000, 420_000]
    assert recorded.sample_at(7 * 60_000 + 10).stem == "000420000"
    assert recorded.sample_at(0).stem == "000000005"


def test_what_a_run_says_about_itself(recorded):
    assert recorded.where == {"device": "cpu"}
    assert recorded.metrics == {}
    assert recorded.command == "lsgan train small"
    assert recorded.recipe == Recipe()


def test_weights_that_are_not_kept_come_with_their_command(recorded):
    with pytest.raises(BookError, match="keeps no weights. Make them with: lsgan train small"):
        recorded.generator()


def test_a_recorded_generator_is_ready_to_draw(recorded):
    """Half-size weights become a float32 generator whose pictures do not depend on the batch."""
    networks = LeastSquaresNetworks(width=0.1, z_dim=3)
    (recorded.folder / "recipe.json").write_text(json.dumps(to_json(Recipe(networks=networks))))
    trained = networks.generator(torch.Generator().manual_seed(1)).half()
    RunDirectory(recorded.folder).write_generator(trained)
    generator = book.load_run("small").generator()
    z = torch.rand(4, 3) * 2 - 1
    torch.testing.assert_close(generator(z)[:1], generator(z[:1]))
    assert not generator.training
    assert not any(weight.requires_grad for weight in generator.parameters())
    assert {weight.dtype for weight in generator.parameters()} == {torch.float32}


def test_an_unknown_run_is_refused_with_the_known_ones(recorded):
    with pytest.raises(BookError, match=r"no recorded run 'smal'; recorded are: small"):
        book.load_run("smal")


# --- checks of exercises ------------------------------------------------------------------------


@exercise("9.1")
def check_9_1(answer: float):
    """A half."""
    return correct("so it is") if close(number(answer), 0.5) else not_yet("think of two")


@exercise("9.2")
def check_9_2(function):
    """A function that doubles."""
    return correct("twice") if result(function, 3.0) == 6.0 else not_yet("try 3")


@pytest.mark.parametrize(
    "answer", [0.5, 1 / 2, torch.tensor(0.5), torch.tensor([0.5]), np.array(0.5)]
)
def test_a_right_answer(answer, capsys):
    assert check_9_1(answer)
    assert capsys.readouterr().out == "Exercise 9.1: ✓ correct: so it is\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "not attempted yet"),
        (0.4, "✗ not yet: think of two"),
        ("half", "✗ not yet: one number is asked for, this is 'half'"),
        (True, "✗ not yet: one number is asked for, this is True"),
        (torch.ones(2), "✗ not yet: one number is asked for, this is a Tensor"),
        ([0.5], "✗ not yet: one number is asked for, this is a list"),
    ],
)
def test_other_answers_never_raise(answer, said, capsys):
    assert not check_9_1(answer)
    assert capsys.readouterr().out == f"Exercise 9.1: {said}\n"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: 2 * x, "✓ correct: twice"),
        (lambda x: x, "✗ not yet: try 3"),
        (lambda x: None, "not attempted yet"),
        (lambda: 6.0, "✗ not yet: your answer stopped with TypeError"),
        (lambda x: x / 0, "✗ not yet: your answer stopped with ZeroDivisionError: "),
        (6.0, "✗ not yet: a function is asked for, this is a float"),
    ],
)
def test_the_readers_own_function_may_do_anything(function, said, capsys):
    verdict = check_9_2(function)
    assert bool(verdict) == said.startswith("✓")
    assert capsys.readouterr().out.startswith(f"Exercise 9.2: {said}")


def test_a_check_without_an_answer_is_not_attempted(capsys):
    assert not check_9_1()
    assert "not attempted yet" in capsys.readouterr().out


def test_small_readers():
    assert choice(" High ", ("high", "low")) == "high"
    with pytest.raises(Unusable, match="choose one of 'high', 'low'"):
        choice("up", ("high", "low"))
    with pytest.raises(Unusable, match=r"\(2, 3\), this one has \(3,\)"):
        tensor([1, 2, 3], (2, 3))
    with pytest.raises(NotAttempted):
        result(lambda: None)
    assert not close(torch.ones(2), 1.0)  # a shape is part of an answer
    assert not close(float("nan"), 1.0)
