"""Tables of many runs: filled run by run, never mixed, never lost, and read with a hint."""

import json

import numpy as np
import pytest

from lsgan_lib.errors import BookError
from lsgan_lib.experiments import tables
from lsgan_lib.experiments.command import run_command
from lsgan_lib.experiments.filling import fill, name_of
from lsgan_lib.experiments.tables import load_pictures, load_table

HEAD = {"command": "make it", "settings": {"images": 3}}
KEYS = [{"loss": loss, "seed": seed} for seed in (0, 1) for loss in ("a", "b")]


class Counter:
    """A run that measures how often it was asked, and stops at a wish."""

    def __init__(self, stop_at: int = 0) -> None:
        self.asked: list[str] = []
        self.stop_at = stop_at

    def __call__(self, key):
        if len(self.asked) + 1 == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(name_of(key))
        number = key["seed"] * 10 + ord(key["loss"])
        return {"number": number}, np.full((2, 3, 3), number, dtype=np.uint8)


def test_a_table_holds_head_rows_and_pictures_in_the_order_of_the_keys(tmp_path, capsys):
    out = tmp_path / "new folder" / "table.json"
    made = fill(out, HEAD, KEYS, Counter())
    written = json.loads(out.read_text())
    assert [(row["loss"], row["seed"]) for row in written["runs"]] == [
        *(("a", 0), ("b", 0), ("a", 1), ("b", 1))
    ]
    assert [row["number"] for row in written["runs"]] == [97, 98, 107, 108]
    assert written["settings"] == HEAD["settings"] and written["command"] == "make it"
    assert written["seconds"] == pytest.approx(sum(row["seconds"] for row in written["runs"]))
    assert made["runs"] == written["runs"]
    with np.load(out.with_suffix(".npz")) as kept:
        assert {name: int(kept[name][0, 0, 0]) for name in kept} == {
            **{"a 0": 97, "b 0": 98, "a 1": 107, "b 1": 108}
        }
    told = capsys.readouterr()
    assert told.out == "" and "4/4 b 1: number 108" in told.err


def test_an_interrupted_table_goes_on_where_it_stopped(tmp_path):
    out = tmp_path / "table.json"
    with pytest.raises(KeyboardInterrupt):
        fill(out, HEAD, KEYS, Counter(stop_at=3))
    assert len(json.loads(out.read_text())["runs"]) == 2
    rest = Counter()
    table = fill(out, HEAD, KEYS, rest)
    assert rest.asked == ["a 1", "b 1"]
    whole = fill(tmp_path / "other.json", HEAD, KEYS, Counter())
    bare = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in t["runs"]]
        for t in (table, whole)
    ]
    assert bare[0] == bare[1]
    again = Counter()
    fill(out, HEAD, KEYS, again)
    assert again.asked == []


def test_a_run_without_its_pictures_is_made_again(tmp_path, monkeypatch):
    """A kill between the two files: pictures are written first, so none can be missing."""
    out = tmp_path / "table.json"
    real, written = tables.write_json, []

    def killed(path, content):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        real(path, content)

    monkeypatch.setattr(tables, "write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        fill(out, HEAD, KEYS, Counter())
    monkeypatch.undo()
    rest = Counter()
    assert len(fill(out, HEAD, KEYS, rest)["runs"]) == 4
    assert rest.asked == ["b 0", "a 1", "b 1"]


def test_other_settings_are_not_mixed_into_one_table(tmp_path):
    out = tmp_path / "table.json"
    fill(out, HEAD, KEYS[:1], Counter())
    with pytest.raises(BookError, match=r"other settings \(images differ\)"):
        fill(out, {**HEAD, "settings": {"images": 4}}, KEYS, Counter())
    assert len(json.loads(out.read_text())["runs"]) == 1


def test_a_missing_table_names_the_command_that_makes_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ASSETS", tmp_path)
    for load in (load_table, load_pictures):
        with pytest.raises(BookError, match=r"python -m lsgan_lib\.experiments\.some_name"):
            load("some_name")
    fill(tables.table_path("some_name"), HEAD, KEYS, Counter())
    assert load_table("some_name")["runs"][3]["number"] == 108
    assert load_pictures("some_name")["b 1"].shape == (2, 3, 3)


# --- an experiment as a command ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BookError("no such set."), "toy: no such set."),
        (KeyboardInterrupt(), "toy: interrupted. The same command goes on where it stopped."),
    ],
)
def test_a_command_that_fails_says_why_without_a_traceback(monkeypatch, error, told):
    def main(seeds: int = 1) -> None:
        """Fail."""
        raise error

    monkeypatch.setattr("sys.argv", ["toy", "--seeds", "3"])
    with pytest.raises(SystemExit) as ended:
        run_command(main, "toy")
    assert str(ended.value) == told
