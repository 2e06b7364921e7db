"""`lsgan runs`: what can be known of a run from its files, and that broken ones do no harm."""

import json
import os
import subprocess
import sys

import pytest
from small_runs import RECIPE

from lsgan_lib import cli
from lsgan_lib.errors import BookError
from lsgan_lib.runs import table_of_runs
from lsgan_lib.training.recipe import to_json

NOW = 1_000_000.0


def make(folder, *, shown=0, speed=None, age=0.0, pictures=(0,), **facts):
    """A run of 96 images that saves every 24, last written `age` seconds before NOW."""
    (folder / "samples").mkdir(parents=True)
    for images in pictures:
        (folder / "samples" / f"{images:09d}.png").touch()
    facts |= {"images": shown} | ({"images_per_second": speed} if speed else {})
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "recipe.json").write_text(json.dumps(to_json(RECIPE)))
    for path in (folder / "samples", folder / "run.json", folder / "recipe.json"):
        os.utime(path, (NOW - age, NOW - age))
    return folder


def rows(folder):
    """The table below its heading: cells of each run, and the sentences that follow some."""
    heading, *lines = table_of_runs(folder, NOW).splitlines()
    assert heading.split() == ["run", "what", "state", "done", "images/s", "last", "picture"]
    cells = [[c.strip() for c in line.split("  ") if c] for line in lines if line[0] != " "]
    return cells, [line.strip() for line in lines if line[0] == " "]


def state(folder):
    ((_, _, state, *_),) = rows(folder)[0]
    return state


def test_a_row_names_what_how_far_how_fast_and_the_newest_picture(tmp_path):
    run = make(tmp_path / "a", shown=72, speed=1234.56, age=1e5, pictures=(0, 32, 64))
    picture = run / "samples" / "000000064.png"
    cells, sentences = rows(tmp_path)
    what, stopped = "LeastSquares on digits", "stopped at 72 of 96 images"
    assert cells == [[str(run), what, stopped, "75%", "1,235", str(picture)]]
    assert sentences == []


@pytest.mark.parametrize(
    ("shown", "percent"), [(0, "0%"), (95, "98%"), (96, "100%"), (104, "100%")]
)
def test_only_a_finished_run_has_100_percent(tmp_path, shown, percent):
    make(tmp_path / "a", shown=shown, age=1e5)
    ((_, _, told, done, *_),) = rows(tmp_path)[0]
    assert done == percent
    assert (told == "finished") == (shown >= 96)


def test_a_run_may_be_running_for_twice_the_time_between_two_states(tmp_path):
    """24 images at 2 a second: a state every 12 seconds."""
    make(tmp_path / "a", shown=48, speed=2.0, age=23)
    assert state(tmp_path) == "perhaps running, at 48 of 96 images"
    make(tmp_path / "b" / "c", shown=48, speed=2.0, age=25)
    assert state(tmp_path / "b") == "stopped at 48 of 96 images"


def test_a_run_that_has_saved_nothing_yet_gets_ten_minutes(tmp_path):
    make(tmp_path / "a" / "a", age=599)
    assert state(tmp_path / "a") == "perhaps running, at 0 of 96 images"
    make(tmp_path / "b" / "b", age=601)
    assert state(tmp_path / "b") == "stopped at 0 of 96 images"


def test_a_fresh_picture_shows_that_a_run_is_at_work(tmp_path):
    run = make(tmp_path / "a", shown=48, speed=2.0, age=1e5)
    os.utime(run / "samples", (NOW, NOW))
    assert state(tmp_path).startswith("perhaps running")


def test_trouble_is_told_in_full(tmp_path):
    sentence = "the critic is saturated at 48 images:\ngenerator gradient is 1e-9"
    make(tmp_path / "a", shown=48, trouble=sentence)
    make(tmp_path / "b", shown=96, trouble=None)
    cells, sentences = rows(tmp_path)
    assert [row[2] for row in cells] == ["in trouble at 48 of 96 images", "finished"]
    assert sentences == [sentence.replace("\n", " ")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("recipe.json", None, "there is no file"),
        ("recipe.json", "{", "cannot be read as JSON"),
        ("recipe.json", "[]", "is not as lsgan writes it"),
        ("recipe.json", "{}", "is not as lsgan writes it (KeyError('images'))"),
        ("run.json", '{"images": "many"}', "is not as lsgan writes it"),
        ("run.json", '{"trouble": 7}', "is not as lsgan writes it"),
    ],
)
def test_a_broken_run_is_named_and_hides_no_other(tmp_path, name, content, said):
    run = make(tmp_path / "b", shown=24)
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_text(content)
    make(tmp_path / "a", shown=96)
    make(tmp_path / "c", shown=96)
    cells, (sentence,) = rows(tmp_path)
    assert [row[0] for row in cells] == [str(tmp_path / letter) for letter in "abc"]
    picture = str(run / "samples" / "000000000.png")
    assert cells[1][1:] == ["broken", picture] and said in sentence


def test_runs_lie_at_any_depth_but_not_within_runs(tmp_path):
    for name in ("b", "a/x/y", "a/b"):
        make(tmp_path / name)
    make(tmp_path / "b" / "samples" / "inner")
    (tmp_path / "empty").mkdir()
    found = [row[0] for row in rows(tmp_path)[0]]
    assert found == [str(tmp_path / name) for name in ("a/b", "a/x/y", "b")]
    assert [row[0] for row in rows(tmp_path / "b")[0]] == [str(tmp_path / "b")]


def test_the_command_looks_in_runs_unless_told_otherwise(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "runs" / "a")
    make(tmp_path / "elsewhere" / "b")
    cli.main(["runs"])
    assert "runs/a" in capsys.readouterr().out
    cli.main(["runs", "elsewhere"])
    assert "elsewhere/b" in capsys.readouterr().out


def test_where_there_are_none_it_says_so(tmp_path):
    assert "there are no runs in" in table_of_runs(tmp_path)
    with pytest.raises(BookError, match="there is no folder .*nowhere"):
        table_of_runs(tmp_path / "nowhere")


def test_it_answers_without_torch(tmp_path):
    make(tmp_path / "a")
    code = f"""
import sys
from lsgan_lib import cli
cli.main(["runs", {str(tmp_path)!r}])
assert "torch" not in sys.modules and "numpy" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and str(tmp_path / "a") in done.stdout, done.stderr
