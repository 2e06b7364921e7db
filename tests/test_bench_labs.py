"""`lsgan bench labs`: what is measured is measured right. Nothing here says how fast a lab is."""

import json
import time

import matplotlib

matplotlib.use("Agg")

import ipywidgets as widgets  # noqa: E402
import pytest  # noqa: E402
from planted_lab import PlantedLab  # noqa: E402

from lsgan_lib import cli  # noqa: E402
from lsgan_lib.errors import BookError  # noqa: E402
from lsgan_lib.labs import latencies as bench  # noqa: E402
from lsgan_lib.labs.live_lab import LiveLab  # noqa: E402


class SlowLab(PlantedLab):
    """Takes 30 ms to follow its slider, 90 at the first time, and goes on for a while after it."""

    def __init__(self):
        super().__init__()
        self.moved = 0
        self.red.unobserve_all()
        self.red.observe(self.slowly, "value")

    def slowly(self, event):
        self.moved += 1
        time.sleep(0.09 if self.moved == 1 else 0.03)
        self.change(red=event.new)
        time.sleep(0.2)  # no reader waits for this


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.setitem(bench.LABS, "slow", SlowLab)
    return {row.control: row for row in bench.measure_lab("slow", 6, 0.1)}


def test_the_clock_stops_at_the_picture(rows):
    row = rows["red"]
    assert row.repaints >= 5  # two of six random values may be the same
    assert 90 <= row.first_ms == row.worst_ms
    assert 30 <= row.median_ms < 90 + 100  # the pause after the picture is not in it


def test_every_kind_of_control_takes_part_and_no_button_does(rows):
    assert list(rows) == ["made", "red", "loud", "size", "picture"]
    assert rows["loud"].repaints == rows["size"].repaints == 2  # of a list each value once
    assert rows["picture"].repaints == 6
    assert all(row.lab == "slow" for row in rows.values())


def test_a_control_that_changes_nothing_has_no_time(monkeypatch):
    class Deaf(PlantedLab):
        def change(self, **new):
            pass

    monkeypatch.setitem(bench.LABS, "deaf", Deaf)
    made, *others = bench.measure_lab("deaf", 3, 0.1)
    assert made.repaints == 1
    assert others and all((row.repaints, row.median_ms) == (0, None) for row in others)


def test_controls_have_their_old_values_afterwards():
    lab = PlantedLab()
    clock, before = bench.Clock(lab.image), lab.settings
    for control in (lab.red, lab.loud, lab.size):
        assert bench.measure_control(lab, clock, control, 4)
    assert lab.settings == before
    lab.close()


@pytest.mark.parametrize(
    "control",
    [
        widgets.IntSlider(3, 2, 9),
        widgets.FloatLogSlider(1.0, min=-2, max=2),
        widgets.BoundedFloatText(1, min=0, max=3),
        widgets.SelectionSlider(options=[("one", 1), ("two", 2)]),
        widgets.ToggleButtons(options=["a", "b", "c"]),
        widgets.Checkbox(),
    ],
    ids=lambda control: type(control).__name__,
)
def test_values_are_such_as_the_control_takes(control):
    values = []
    for value in bench.settings_of(control, 12, bench.random.Random(1)):
        control.value = value
        assert control.value == value
        values.append(value)
    assert len(values) == {"SelectionSlider": 2, "ToggleButtons": 3, "Checkbox": 2}.get(
        type(control).__name__, 12
    )
    assert len(set(values)) > 1


def test_the_live_lab_is_counted_while_it_plays():
    lab = LiveLab()
    row = bench._film("live lab", lab, bench.Clock(lab.image), 1.0)
    assert row.frames_per_second == pytest.approx(row.repaints, rel=0.2)
    assert 0 < row.frames_per_second <= 26  # the film's own limit is 25
    assert not lab.film.running
    lab.close()


def test_the_command_writes_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "LABS", {"planted": PlantedLab})
    file = tmp_path / "new" / "labs.json"
    cli.bench(["labs", "planted", "--repaints", "2", "--out", str(file)])
    content = json.loads(file.read_text())
    assert content["format"] == 1
    row = content["rows"][1]
    assert {"lab", "control", "median_ms", "load", "device_name", "threads", "date"} <= set(row)
    assert row["lab"] == "planted" and row["control"] == "red"
    printed = capsys.readouterr().out
    assert f"{row['median_ms']:.1f}" in printed and f"wrote {file}" in printed


def test_a_lab_measured_again_replaces_its_own_rows_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "LABS", {"planted": PlantedLab, "other": PlantedLab})
    file = tmp_path / "labs.json"
    cli.bench(["labs", "--repaints", "1", "--out", str(file)])
    cli.bench(["labs", "planted", "--repaints", "2", "--out", str(file)])
    rows = json.loads(file.read_text())["rows"]
    repaints = {(row["lab"], row["control"]): row["repaints"] for row in rows}
    assert len(repaints) == len(rows)
    assert repaints["planted", "loud"] == 2 and repaints["other", "loud"] == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [(["no lab"], "there is no lab 'no lab'"), (["--repaints", "0"], "--repaints is 0")],
)
def test_what_cannot_be_measured_is_refused(words, told):
    with pytest.raises(BookError, match=told):
        bench.main(words)


def test_all_labs_of_the_book_are_measured():
    """Every class of lsgan_lib.labs that is a Lab, by its module."""
    import importlib
    import inspect
    import pkgutil

    import lsgan_lib.labs
    from lsgan_lib.labs.lab import Lab

    there = set()
    for module in pkgutil.iter_modules(lsgan_lib.labs.__path__, "lsgan_lib.labs."):
        for _, thing in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(thing, Lab) and not inspect.isabstract(thing):
                there.add(thing.__name__)
    source = inspect.getsource(bench)
    assert len(there) >= 5
    assert {name for name in there if name not in source} == set()
