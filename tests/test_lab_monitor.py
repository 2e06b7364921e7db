"""The training monitor: what a folder says at each moment of a run, and that it only reads."""

import asyncio
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from lab_events import assert_sound, press_at_random  # noqa: E402
from PIL import Image  # noqa: E402
from small_runs import RECIPE, RECIPES, data_of  # noqa: E402

from lsgan_lib.labs.monitor import Monitor  # noqa: E402
from lsgan_lib.labs.monitoring import drawing as monitor_drawing  # noqa: E402
from lsgan_lib.labs.monitoring.drawing import draw_curves, moment_at, smoothed  # noqa: E402
from lsgan_lib.labs.monitoring.reading import Reading, numbers, read_run  # noqa: E402
from lsgan_lib.training import train  # noqa: E402
from lsgan_lib.training.recipe import to_json  # noqa: E402

NOW = 1_000_000.0
TESTS = Path(__file__).parent


def make(folder, *, images=0, speed=None, age=0.0, **facts):
    """The folder of a run of 96 images that saves every 24, last written `age` seconds ago."""
    (folder / "samples").mkdir(parents=True)
    facts |= {"images": images, "seconds": 90.0} | ({"images_per_second": speed} if speed else {})
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "recipe.json").write_text(json.dumps(to_json(RECIPE)))
    for path in (folder / "samples", folder / "run.json", folder / "recipe.json"):
        os.utime(path, (NOW - age, NOW - age))
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run with hinges."""
    folder = tmp_path_factory.mktemp("runs") / "hinges"
    recipe = RECIPES["loss-sensitive, slope penalty"]
    train(recipe, data_of(recipe), folder, device="cpu")
    return folder


@pytest.fixture
def quick(monkeypatch):
    """A quarter of the pixels, and few drawings in all."""
    monkeypatch.setattr(monitor_drawing, "_SHARP", 1)
    monitor_drawing._draw.cache_clear()
    yield
    monitor_drawing._draw.cache_clear()


# --- what a folder says ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "state", "told"),
    [
        ({}, "begun", "no state is saved yet"),
        ({"images": 48, "speed": 12.0, "age": 9.0}, "working", "saved at 48 of 96"),
        ({"images": 48, "speed": 12.0, "age": 11.0}, "stopped", "`lsgan resume "),
        ({"images": 48, "speed": 1.2, "age": 39.0}, "working", "saved at 48 of 96"),
        ({"images": 48, "speed": 1.2, "age": 41.0}, "stopped", "`lsgan resume "),
        ({"age": 601.0}, "stopped", "`lsgan resume "),
        ({"images": 48, "speed": 12.0, "trouble": "the loss\nwas NaN."}, "in trouble", "loss was"),
        ({"images": 96, "speed": 12.0, "age": 9e5}, "finished", "96 images in 2 minutes"),
    ],
)
def test_the_state_of_a_run(tmp_path, made, state, told):
    reading = read_run(make(tmp_path / "run", **made), NOW)
    assert reading.state == state
    assert told in reading.told
    assert reading.watched_on == (state != "finished")


def test_no_folder_and_a_folder_that_is_no_run(tmp_path):
    name = str(tmp_path / "my run")
    reading = read_run(name, NOW)
    assert reading.state == "absent" and f"--out '{name}'" in reading.told
    Path(name).mkdir()
    assert "There is no run" in read_run(name, NOW).told
    (Path(name) / "notes.txt").touch()
    assert "no run: it has no recipe.json" in read_run(name, NOW).told


def test_the_time_left_is_what_is_left_over_the_speed(tmp_path):
    folder = make(tmp_path / "run", images=48, speed=12.0)
    assert read_run(folder, NOW).seconds_left == (96 - 48) / 12
    # the log knows better: it ends later, and the median of its last rows is 8 a second
    (folder / "log.csv").write_text(
        "images,images_per_second\n16,1\n32,2\n40,8\n48,8\n56,9\n64,8\n72,1\n"
    )
    os.utime(folder / "log.csv", (NOW, NOW))
    reading = read_run(folder, NOW)
    assert (reading.shown, reading.speed, reading.seconds_left) == (72, 8, (96 - 72) / 8)
    assert "72 of 96 images · 8 images/s · 3 s left" in numbers(reading)


def test_the_share_of_hinges_is_told_where_there_is_one(trained):
    reading = read_run(trained)
    assert reading.state == "finished"
    share = reading.column("active_hinges")[-1]
    assert 0 <= share <= 1 and f"{share:.0%} of the hinges active" in numbers(reading)
    assert [title for title, _ in monitor_drawing.wanted_panels(reading)][-1].endswith("hinges")


def test_two_looks_at_the_same_files_are_equal_though_cells_are_empty(tmp_path):
    folder = make(tmp_path / "run", images=48, speed=12.0)
    (folder / "log.csv").write_text("images,spread,margin\n16,nan,\n32,1,nan\n")
    one, again = (read_run(folder, NOW) for _ in range(2))
    assert math.isnan(dict(one.log)["margin"][0])
    assert one == again and hash(one) == hash(again)
    assert one.column("margin") == () and len(one.column("spread")) == 2


def test_a_file_cut_off_anywhere_is_never_an_error(tmp_path, trained, quick):
    """As one sees it that is being copied from another machine."""
    folder = tmp_path / "copy"
    shutil.copytree(trained, folder)
    whole = read_run(folder)
    lab = Monitor(folder)
    shown = bytes(lab.image.value)
    for name in ("log.csv", "run.json", "recipe.json"):
        content = (trained / name).read_bytes()
        for length in range(0, len(content), max(1, len(content) // 25)):
            (folder / name).write_bytes(content[:length])
            assert isinstance(read_run(folder), Reading)
        lab.look()
        if name != "log.csv":
            assert lab.settings.reading.state == "damaged"
            assert "looking again" in lab.status.value
            assert lab.settings.reading.log == whole.log  # what was known stays
        (folder / name).write_bytes(content)
        lab.look()
        assert lab.settings.reading == whole
        assert bytes(lab.image.value) == shown
    newest = max((folder / "samples").glob("*.png"))
    content = newest.read_bytes()
    for length in (0, 7, 60, len(content) // 2):
        newest.write_bytes(content[:length])
        lab.look()
        assert_sound(lab)
    newest.unlink()
    lab.look()
    assert_sound(lab)
    shutil.rmtree(folder)
    lab.look()
    assert lab.settings.reading.state == "absent"
    assert_sound(lab)
    lab.close()


# --- the picture ----------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.floats(-9, 9), st.just(math.nan)), max_size=30), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_smoothing_is_the_mean_of_a_row_and_those_before_it(values, ticks):
    found = smoothed(tuple(values), ticks)
    for i, value in enumerate(values):
        near = [v for v in values[max(0, i - ticks + 1) : i + 1] if not math.isnan(v)]
        if math.isnan(value):
            assert math.isnan(found[i])
        else:
            assert found[i] == pytest.approx(sum(near) / len(near), abs=1e-9)


def test_a_click_on_a_curve_chooses_the_samples_of_that_moment(trained, quick):
    lab = Monitor(trained)
    reading = lab.settings.reading
    moments = [images for images, _ in reading.samples]
    assert len(moments) > 3
    left, right, top, bottom, low, high = draw_curves(reading, 1).panels[0]
    assert (low, high) == (0, 96)
    for images in moments[:-1]:
        x = left + (right - left) * (images + 3) / 96
        at = {"x": x / monitor_drawing.SIZE[0], "y": (top + bottom) / 2 / monitor_drawing.SIZE[1]}
        assert moment_at(reading, 1, **at) == pytest.approx(images + 3)
        lab.image.hear({"kind": "down", **at})
        assert lab.moment.value == lab.settings.at == images
        assert_sound(lab)
    # the mark stands there, in all panels
    grey = np.asarray(Image.open(io.BytesIO(bytes(lab.image.value))))
    x = round(left + (right - left) * lab.settings.at / 96)
    column = grey[round(top) + 3 : round(bottom) - 3, x - 1 : x + 2]
    assert (column == [127, 127, 127]).all(axis=2).any(axis=1).mean() > 0.9
    assert moment_at(reading, 1, 0.99, 0.5) is None
    lab.image.hear({"kind": "key", "key": "ArrowLeft", "x": 0.5, "y": 0.5})
    assert lab.moment.value == moments[-3]
    lab.close()


def test_the_newest_samples_are_followed_until_others_are_chosen(tmp_path, trained, quick):
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    lab = Monitor(folder)
    moments = [images for images, _ in lab.settings.reading.samples]
    shutil.copy(trained / "samples" / f"{moments[0]:09d}.png", folder / "samples/000000200.png")
    lab.look()
    assert lab.settings.at == 200 and lab.newest.value
    lab.moment.value = moments[1]
    assert not lab.newest.value
    shutil.copy(folder / "samples/000000200.png", folder / "samples/000000300.png")
    lab.look()
    assert lab.settings.at == moments[1]
    lab.newest.value = True
    assert lab.settings.at == 300
    lab.close()


def test_a_thousand_events(trained, quick):
    lab = Monitor(trained)
    lab.ticks.max = 4  # few drawings of curves
    lab.folder.observe(lambda change: None)
    figures = plt.get_fignums()
    for part in range(20):
        lab.folder.value = str(trained)  # texts lead elsewhere, where there are no samples
        press_at_random(lab, 50, seed=part, look_every=3)
    assert plt.get_fignums() == figures
    lab.close()


def test_the_strip_is_the_picture(trained, quick, monkeypatch):
    import IPython.display

    sent = []
    monkeypatch.setattr(IPython.display, "display", lambda data, **_: sent.append(data))
    lab = Monitor(trained)
    lab.strip()
    assert sent[0]["text/plain"] == "[Training monitor of hinges: curves and samples]"
    assert sent[0]["image/png"]
    lab.close()


# --- a real run in another process ----------------------------------------------------------------

WORK = """
import sys, time
from dataclasses import replace
from small_runs import RECIPE, small_digits
from lsgan_lib.training import train
train(replace(RECIPE, images=400), small_digits(), sys.argv[1], device="cpu",
      on_tick=lambda trainer: time.sleep(0.1))
"""


def begin(folder):
    return subprocess.Popen(
        [sys.executable, "-c", WORK, str(folder)], env=os.environ | {"PYTHONPATH": str(TESTS)},
        stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.slow
def test_a_run_is_watched_from_before_its_start_to_its_end(tmp_path, quick):
    async def watch():
        lab = Monitor(tmp_path / "run", every=0.05)
        assert lab.settings.reading.state == "absent"
        lab.watch()
        worker = begin(tmp_path / "run")
        seen, pictures = [], set()
        deadline = time.monotonic() + 90
        while lab._task is not None and not lab._task.done():
            assert time.monotonic() < deadline, seen
            await asyncio.sleep(0.03)
            assert_sound(lab)
            pictures.add(bytes(lab.image.value))
            state = lab.settings.reading.state
            if state not in seen[-1:]:
                seen.append(state)
        assert worker.wait() == 0, worker.stderr.read()
        worker.stderr.close()
        return lab, seen, pictures

    lab, seen, pictures = asyncio.run(watch())
    assert [seen[0], seen[-1]] == ["absent", "finished"]  # and then it looked no more
    assert "working" in seen and "damaged" not in seen
    assert len(pictures) > 6
    assert lab.settings.at == 400 and lab.settings.reading.shown == 400
    lab.close()


@pytest.mark.slow
def test_an_interrupted_run_is_told_with_the_line_that_goes_on(tmp_path, interruptible):
    worker = begin(tmp_path / "run")
    deadline = time.monotonic() + 60
    while not (tmp_path / "run/state.pt").is_file():
        assert time.monotonic() < deadline and worker.poll() is None
        time.sleep(0.05)
    worker.send_signal(signal.SIGINT)
    worker.wait()
    worker.stderr.close()
    assert read_run(tmp_path / "run", time.time()).state == "working"  # nobody can know yet
    reading = read_run(tmp_path / "run", time.time() + 600)
    assert reading.state == "stopped" and 0 < reading.shown < 400
    assert f"`lsgan resume {tmp_path / 'run'}` goes on" in reading.told


def test_it_ends_with_its_cell_and_tells_errors_of_its_own(trained, tmp_path, monkeypatch):
    async def life():
        lab = Monitor(tmp_path / "none", every=0.01)
        lab.watch()
        task = lab._task
        monkeypatch.setattr(lab, "look", lambda: 1 / 0)
        await asyncio.sleep(0.1)
        assert "division by zero" in lab.status.value and not task.done()
        lab.image.hear({"kind": "shown"})
        lab.image.hear({"kind": "gone"})
        await asyncio.sleep(0.05)
        assert task.cancelled() and lab._task is None
        lab.watch()
        again = lab._task
        lab.close()
        await asyncio.sleep(0.05)
        assert again.cancelled()

    asyncio.run(life())


def test_the_folder_is_only_read(trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    (folder / ".log.csv.1.part").write_text("images")  # another process writes at this moment
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")}
    lab = Monitor(folder)
    lab.moment.index = 0
    lab.button.click()
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")} == before
    lab.close()
