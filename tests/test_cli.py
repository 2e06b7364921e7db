"""The command line: what each command makes, and that every mistake ends in one sentence."""

import dataclasses
import inspect
import io
import json
import math
import re
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from full_disk import full_disk
from PIL import Image
from small_runs import RECIPE, RECIPES, small_digits, small_digits_in

from lsgan_lib import cli, latent, training
from lsgan_lib.data import digits, make_set, ring, write_set
from lsgan_lib.losses.objectives import LossSensitive, Penalty
from lsgan_lib.training import RECIPES as NAMED
from lsgan_lib.training import Recipe, RunDirectory, resume, train
from lsgan_lib.training.pictures import grid_png

FLAGS = [
    *("--data", "data", "--networks.size", "8", "--networks.z-dim", "3"),
    *("--networks.width", "0.001", "--batch-size", "8", "--images", "24", "--tick", "8"),
    *("--sample-count", "4", "--device", "cpu", "--precision", "fp32"),
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, and no data folder but that one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Short runs with two and with three noise coordinates, with dropout, and of points."""
    folder = tmp_path_factory.mktemp("runs")
    wider = replace(RECIPE.networks, width=0.1)
    for name, recipe, data in [
        ("three", replace(RECIPE, networks=wider), small_digits()),
        ("dropout", replace(RECIPE, networks=replace(wider, dropout=0.5)), small_digits()),
        ("two", replace(RECIPE, networks=replace(wider, z_dim=2)), small_digits()),
        ("points", RECIPES["points"], ring()),
    ]:
        train(replace(recipe, images=16), data, folder / name, device="cpu")
        # So few images leave every sample grey. Large weights make each another picture.
        generator, random = (
            RunDirectory(folder / name).generator(),
            torch.Generator().manual_seed(0),
        )
        for p in generator.parameters():
            p.data.normal_(0, 0.5, generator=random)
        RunDirectory(folder / name).write_generator(generator)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def refusal(*arguments: object) -> str:
    """The one sentence with which a command fails; sys.exit(str) prints it and returns 1."""
    with pytest.raises(SystemExit) as caught:
        cli.main([str(argument) for argument in arguments])
    message = caught.value.code
    assert isinstance(message, str), f"exit code {message!r} instead of a sentence"
    assert message.startswith("lsgan: ") and "\n" not in message and "Traceback" not in message
    return message


def picture(path: Path) -> Image.Image:
    image = Image.open(path)
    assert image.format == "PNG"
    return image


# --- finding one's way ---------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_alone_it_lists_its_commands(arguments, capsys):
    cli.main(arguments)
    printed = capsys.readouterr().out
    for command in cli._COMMANDS:
        assert re.search(rf"^  {command} +\S", printed, re.MULTILINE)


def test_recipes_lists_every_recipe(capsys):
    cli.main(["recipes"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(NAMED)
    assert lines[0].split(maxsplit=1)[1] == "LeastSquares on mnist, 1,260,000 images, batch 128"


def test_help_on_a_recipe_shows_every_setting_with_the_recipe_s_default(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["train", "mnist-least-squares-2d", "--help"])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    for field in dataclasses.fields(Recipe):
        if field.name not in ("networks", "objective"):
            assert re.search(rf"--{field.name.replace('_', '-')}[ ,]", printed), field.name
    assert re.search(r"--networks\.z-dim INT.*\n?.*default: 2\)", printed)
    assert "--objective.a" in printed and "--out" in printed and "--threads" in printed


def test_a_wrong_recipe_gets_a_suggestion_and_leaves_nothing(here):
    assert "Did you mean mnist-least-squares?" in refusal("train", "mnist-leest-squares")
    assert "`lsgan recipes` lists them all" in refusal("train", "cats")
    assert files(here) == {}


def test_train_without_a_recipe_says_what_to_name(here):
    for arguments in (["train"], ["train", "--batch-size", "3"]):
        assert "name a recipe first: `lsgan train RECIPE`" in refusal(*arguments)


def test_a_wrong_command_lists_the_right_ones():
    assert "there is no command 'trian'; there are recipes, data, train, resume" in refusal("trian")


# --- train ---------------------------------------------------------------------------------------


def test_train_makes_a_run_of_the_recipe_with_the_flags_changes(here, capsys):
    small_digits_in(here / "data")
    cli.main(["train", "mnist-least-squares", *FLAGS, "--objective.a", "-1", "--flip"])
    output = capsys.readouterr()
    assert "24 images shown. The run is in runs/mnist-least-squares." in output.out
    named = NAMED["mnist-least-squares"]
    assert RunDirectory(here / "runs" / "mnist-least-squares").recipe() == replace(
        named,
        networks=replace(named.networks, size=8, z_dim=3, width=0.001),
        objective=replace(named.objective, a=-1.0),
        data="data",
        batch_size=8,
        images=24,
        tick=8,
        sample_count=4,
        flip=True,
    )


def test_progress_shows_speed_and_time_left_in_a_terminal(here, capsys, monkeypatch):
    small_digits_in(here / "data")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    cli.main(["train", "mnist-least-squares", *FLAGS, "--out", "run"])
    shown = capsys.readouterr().err
    line = shown.split("\r")[-1]
    # 100%|████| 24.0/24.0 [00:00<00:00, 150 images/s, critic=0.5, generator=0.5]
    assert re.search(r"100%.* 24\.0/24\.0 \[\d\d:\d\d<\d\d:\d\d, .* images/s, critic=", line)


def test_a_file_gets_no_progress_bar(here, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # a plug-in of pytest loads it
    small_digits_in(here / "data")
    cli.main(["train", "mnist-least-squares", *FLAGS, "--out", "run"])
    assert capsys.readouterr().err == ""


def test_the_flags_that_are_no_settings_reach_the_trainer(here, monkeypatch):
    """train and resume are handed what was typed; what they do with it is tested with them."""
    asked = []

    def seen(*arguments, **named):
        asked.append(named)
        return SimpleNamespace(shown=0)

    monkeypatch.setattr(training, "train", seen)
    monkeypatch.setattr(training, "resume", seen)
    cli.main(["train", "mnist-least-squares"])
    cli.main(
        ["train", "mnist-least-squares", "--engine", "graph", "--precision", "bf16"]
        + ["--tensorboard", "--device", "cuda:1", "--out", "a"]
    )
    cli.main(["resume", "a"])
    cli.main(
        ["resume", "a", "--from", "best", "--watch", "roll_back", "--engine", "graph"]
        + ["--tensorboard", "--state-every", "7", "--samples-every", "9", "--device", "cuda:1"]
    )
    cli.main(["resume", "a", "--from", "60000"])
    plain = {"device": None, "engine": "eager", "tensorboard": False, "progress": True}
    rich = {"device": "cuda:1", "engine": "graph", "tensorboard": True, "progress": True}
    same = {"state": "newest", "watch": None, "state_every": None, "samples_every": None}
    assert asked == [
        {"directory": Path("runs/mnist-least-squares"), "precision": "auto", **plain},
        {"directory": Path("a"), "precision": "bf16", **rich},
        {**plain, **same},
        {"state": "best", "watch": "roll_back", "state_every": 7, "samples_every": 9, **rich},
        {**plain, **same, "state": 60_000},
    ]
    for named, function in zip(asked, (train, train, resume, resume, resume), strict=True):
        assert named.keys() <= inspect.signature(function).parameters.keys()


def test_a_dry_run_shows_the_run_and_makes_nothing(here, capsys):
    small_digits_in(here / "data")
    before = files(here)
    cli.main(["train", "mnist-least-squares", *FLAGS, "--critic-steps", "2", "--dry-run"])
    output = capsys.readouterr()
    assert re.search(r"^  critic-steps +2 +critic updates a step", output.out, re.MULTILINE)
    assert re.search(r"^  steps +2 +4 updates of the critic", output.out, re.MULTILINE)
    assert re.search(r"^  folder +runs/mnist-least-squares$", output.out, re.MULTILINE)
    assert output.out.endswith("Nothing was trained or written.\n") and output.err == ""
    assert files(here) == before


def test_tensorboard_gets_each_point_of_a_resumed_run_once(here):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    small_digits_in(here / "data")
    cli.main(["train", "mnist-least-squares", *FLAGS, "--out", "run", "--state-every", "8"]
             + ["--samples-every", "8", "--tensorboard"])  # fmt: skip
    cli.main(["resume", "run", "--from", "8", "--device", "cpu", "--tensorboard"])
    run = RunDirectory("run")
    events = EventAccumulator("run/tensorboard").Reload()
    assert [e.step for e in events.Images("samples")] == [0, 8, 16, 24]
    for name in ("critic_loss", "generator_gradient"):
        points = {e.step: e.value for e in events.Scalars(name)}
        logged = {int(row["images"]): row[name] for row in run.log()}
        assert points == pytest.approx(logged, rel=1e-5)  # log.csv has six digits
        assert len(events.Scalars(name)) == len(points) == 3


def test_without_tensorboard_no_run_is_begun(here, monkeypatch):
    small_digits_in(here / "data")
    before = files(here)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    said = refusal("train", "mnist-least-squares", *FLAGS, "--tensorboard")
    assert "pip install tensorboard" in said and files(here) == before


def test_of_many_processes_only_the_first_speaks(here, capsys, monkeypatch):
    """As torchrun would start the second of two, but alone: what it prints, warns and refuses."""
    monkeypatch.setenv("RANK", "1")
    warnings.simplefilter("always")  # not only the first time; pytest puts it back
    asked = []

    def seen(*arguments, **named):
        asked.append(named["progress"])
        warnings.warn("something small", stacklevel=1)
        return SimpleNamespace(shown=0)

    def interrupted(*arguments, **named):
        raise KeyboardInterrupt("stopped after 8 images.")

    monkeypatch.setattr(training, "train", seen)
    cli.main(["recipes"])
    cli.main(["train", "mnist-least-squares"])
    assert asked == [False] and capsys.readouterr() == ("", "")
    with pytest.raises(SystemExit, match=r"^lsgan \(process 1\): there is no recipe"):
        cli.main(["train", "cats"])
    monkeypatch.setattr(training, "train", interrupted)
    with pytest.raises(SystemExit) as caught:
        cli.main(["train", "mnist-least-squares"])
    assert caught.value.code == 130 and capsys.readouterr() == ("", "")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(training, "train", seen)
    cli.main(["train", "mnist-least-squares"])
    out, err = capsys.readouterr()
    assert asked == [False, True] and "0 images shown" in out and err == "lsgan: something small\n"


def test_bench_reads_its_own_arguments(monkeypatch):
    from lsgan_lib.benchmarks import command

    asked = []
    monkeypatch.setattr(command, "main", asked.append)
    cli.main(["bench", "mnist-dcgan", "--any", "flag"])
    assert asked == [["mnist-dcgan", "--any", "flag"]]


def test_flags_that_a_recipe_refuses_leave_nothing(here, capsys):
    small_digits_in(here / "data")
    before = files(here)
    command = ["train", "mnist-least-squares", *FLAGS, "--out", "run"]
    for flags, said in [
        (["--batch-size", "-3"], "batch_size must be a positive number"),
        (["--objective.a", "1"], "a and b are both 1"),
        (["--networks.dropout", "1.5"], "dropout is 1.5"),
        (["--beta1", "2"], "beta1 is 2.0"),
        (["--first", "51"], "holds 50 images, so 51 cannot be taken"),
        (["--networks.size", "28"], r"built for images of shape (1, 28, 28)"),
        (["--device", "tpu"], "the device 'tpu' is not here"),
        (["--threads", "0"], "--threads is 0"),
        (["--batch-sise", "3"], "--batch-sise"),
        (["--batch-size", "many"], "many"),
        (["--optimiser", "sgd"], "sgd"),
    ]:
        with pytest.raises(SystemExit) as caught:
            cli.main([*command, *flags])
        code = caught.value.code
        assert code not in (0, None)
        told = code if isinstance(code, str) else capsys.readouterr().err
        assert said in re.sub(r"\s*│?\n│?\s*", " ", told), flags
        assert "Traceback" not in told
        assert files(here) == before, flags


def test_data_that_are_not_there_leave_nothing(here, monkeypatch):
    assert "there are no data called 'cats'" in refusal(
        "train", "mnist-least-squares", "--data", "cats", "--device", "cpu"
    )
    monkeypatch.setenv("LSGAN_DATA", str(here / "typo"))
    said = refusal("train", "mnist-least-squares", "--device", "cpu")
    assert "LSGAN_DATA names" in said and "typo" in said
    assert files(here) == {}


def test_a_truncated_idx_file_leaves_nothing(here):
    from test_mnist_files import IMAGES, idx_files

    path = idx_files(here / "mnist") / IMAGES
    path.write_bytes(path.read_bytes()[:-1])
    before = files(here)
    said = refusal("train", "mnist-least-squares", "--device", "cpu")
    assert f"{IMAGES} should hold 12 x 28 x 28 bytes but holds 9407" in said
    assert files(here) == before


def test_without_mnist_the_warning_is_one_line(here, capsys, monkeypatch):
    import torchvision.datasets

    def fail(root, download):
        raise OSError("no network")

    monkeypatch.setattr(torchvision.datasets, "MNIST", fail)
    flags = ["--networks.width", "0.001", "--images", "8", "--batch-size", "8"]
    cli.main(["train", "mnist-least-squares", *flags, "--device", "cpu", "--out", "run"])
    (said,) = (line for line in capsys.readouterr().err.splitlines() if "lsgan:" in line)
    assert "Training on the book's 5,000 digits instead." in said and "Warning" not in said
    assert RunDirectory(here / "run").facts()["data"]["name"] == digits().name


def test_a_folder_with_a_run_is_not_overwritten(here):
    small_digits_in(here / "data")
    cli.main(["train", "mnist-least-squares", *FLAGS, "--out", "run"])
    before = files(here)
    said = refusal("train", "mnist-least-squares", *FLAGS, "--out", "run")
    assert "already holds a run. Go on with it by `lsgan resume run`" in said
    assert files(here) == before


@pytest.mark.parametrize("free", [100, 2_000, 20_000])
def test_a_full_disk_is_one_sentence_without_half_a_file_and_the_run_goes_on(here, free):
    """The limit strikes at recipe.json, at the first picture or weights, and at the state."""
    small_digits_in(here / "data")
    command = ["train", "mnist-least-squares", *FLAGS, "--out", "run"]
    with full_disk(free):
        said = refusal(*command)
    assert "could not write run/" in said and "Free some space" in said
    left = files(here / "run")
    assert not any(".part" in name or name.startswith(".") for name in left)
    for name, content in left.items():
        if name.endswith(".json"):
            json.loads(content)
        elif name.endswith(".png"):
            Image.open(io.BytesIO(content)).load()
    cli.main(["resume", "run", "--device", "cpu"] if "recipe.json" in left else command)
    assert RunDirectory(here / "run").facts()["images"] == 24


# --- resume --------------------------------------------------------------------------------------


def test_resume_refuses_what_is_no_run_or_another_s(here):
    small_digits_in(here / "data")
    assert "nowhere is not a run directory" in refusal("resume", "nowhere")
    cli.main(["train", "mnist-least-squares", *FLAGS, "--out", "run"])
    path = here / "run" / "recipe.json"
    good = path.read_text()
    path.write_text(json.dumps(json.loads(good) | {"seed": 9}))
    before = files(here)
    assert "belongs to another recipe" in refusal("resume", "run", "--device", "cpu")
    path.write_text("{")
    assert "cannot be read as JSON" in refusal("resume", "run", "--device", "cpu")
    path.write_text(json.dumps({"sede": 1}))
    assert "not a recipe that this version understands" in refusal("resume", "run")
    path.write_text(json.dumps(json.loads(good) | {"seed": 9}))
    assert files(here) == before


def test_resume_refuses_data_that_changed(here):
    small_digits_in(here / "data")
    cli.main(["train", "mnist-least-squares", *FLAGS, "--out", "run"])
    write_set(here / "data", replace(small_digits(), manifest=small_digits().manifest).first(40))
    assert "with other pixels than" in refusal("resume", "run", "--device", "cpu")


def test_the_loss_sensitive_seeds_own_command_line_runs_in_translation(here):
    """lsgan-gp.py --dataset folder --dataroot ... --niter 25 --slope 0.01, by the README's table,
    with its --gamma 10, its norm and its margins; smaller only where a test must be quick."""
    random = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (8, 3, 8, 8), dtype=torch.uint8, generator=random)
    write_set(here / "folder", make_set(pixels, name="folder"))
    flags = [
        *("--data", "folder", "--images", "200", "--objective.slope", "0.01"),  # 25 times 8
        *("--objective.penalty.weight", "10", "--objective.penalty.reduce", "pixel"),
        *("--objective.pairing", "all", "--out", "result"),
    ]
    small = ["--networks.size", "8", "--networks.width", "0.05", "--batch-size", "8"]
    quick = ["--watch", "warn", "--device", "cpu", "--precision", "fp32"]
    cli.main(["train", "faces-loss-sensitive", *flags, *small, *quick])
    run = RunDirectory(here / "result")
    recipe, rows = run.recipe(), run.log()
    assert recipe.objective == LossSensitive(
        slope=0.01, pairing="all", penalty=Penalty(weight=10.0, reduce="pixel")
    )
    assert rows[-1]["images"] == 200 and rows[-1]["epoch"] == 25
    for name in ("critic_loss", "generator_loss", "penalty", "spread"):
        assert math.isfinite(rows[-1][name]), name


@pytest.mark.slow
def test_ctrl_c_saves_the_run_says_how_to_go_on_and_exits_with_130(here):
    small_digits_in(here / "data")
    flags = [*FLAGS, "--images", "80000000", "--out", "run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lsgan_lib", "train", "mnist-least-squares", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    picture_of_the_start = here / "run" / "samples" / "000000000.png"
    deadline = time.monotonic() + 240
    while not picture_of_the_start.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = (stream.decode() for stream in process.communicate(timeout=120))
    assert process.returncode == 130
    last = err.splitlines()[-1]
    stopped = re.fullmatch(
        r"lsgan: stopped after ([\d,]+) images\. Go on with `lsgan resume (.*)`\.", last
    )
    assert stopped and stopped[2].strip("'\"") == "run" and "Traceback" not in err and out == ""
    state = RunDirectory(here / "run").state()
    assert state["shown"] == int(stopped[1].replace(",", "")) > 0
    assert not any(name.endswith(".part") for name in files(here))


@pytest.mark.slow
def test_a_mistake_is_one_line_on_stderr_and_exit_code_1(here):
    """As the shell sees it; the other tests look at the sentence alone."""
    done = subprocess.run(
        [sys.executable, "-m", "lsgan_lib", "train", "mnist-leest-squares"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(r"lsgan: there is no recipe .* Did you mean .*\n", done.stderr)


# --- sample --------------------------------------------------------------------------------------


def test_samples_are_the_average_s_of_the_seed(here, runs, capsys):
    cli.main(["sample", str(runs / "three"), "--count", "9", "--seed", "5"])
    assert capsys.readouterr().out == "wrote samples.png\n"
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        images = RunDirectory(runs / "three").generator()(latent.draw(9, 3, "uniform", random))
    assert (here / "samples.png").read_bytes() == grid_png(images)
    grid = picture(here / "samples.png")
    assert grid.size == (32, 32)  # three by three, 8 pixels and a gap of 2
    assert len({crop(grid, row, column) for row in range(3) for column in range(3)}) == 9


def test_a_seed_names_the_samples(here, runs):
    for out, seed in (("a.png", "1"), ("b.png", "1"), ("c.png", "2")):
        cli.main(["sample", str(runs / "three"), "--seed", seed, "--out", out])
    a, b, c = ((here / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert a == b != c


def test_dropout_can_stay_on_while_samples_are_drawn(here, runs):
    for out, flags in (("a.png", []), ("b.png", ["--dropout"]), ("c.png", ["--dropout"])):
        cli.main(["sample", str(runs / "dropout"), *flags, "--out", out])
    off, on, again = ((here / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert off != on == again


def test_samples_of_points_are_a_picture_of_their_density(here, runs):
    cli.main(["sample", str(runs / "points"), "--count", "500"])
    assert picture(here / "samples.png").mode == "L"


def test_a_recorded_run_is_found_by_its_name(here, runs, monkeypatch):
    import lsgan_lib.data

    (here / "assets").mkdir()
    (here / "assets" / "runs").symlink_to(runs)
    monkeypatch.setattr(lsgan_lib.data, "ASSETS", here / "assets")
    cli.main(["sample", "three", "--out", "by-name.png"])
    cli.main(["sample", str(runs / "three"), "--out", "by-path.png"])
    assert (here / "by-name.png").read_bytes() == (here / "by-path.png").read_bytes()


def test_what_cannot_be_sampled_is_one_sentence(here, runs):
    assert "nowhere is not a run directory" in refusal("sample", "nowhere")
    assert "--count is 0" in refusal("sample", runs / "three", "--count", 0)
    RunDirectory("empty").create(RECIPE)
    assert "there are no weights in empty" in refusal("sample", "empty")
    said = refusal("sample", runs / "three", "--out", "nowhere/a.png")
    assert "could not write nowhere/a.png" in said
    assert not list(here.glob("*.png"))


# --- interpolate and manifold --------------------------------------------------------------------


@pytest.mark.parametrize("way", ["lerp", "slerp", "distribution_preserving"])
def test_a_walk_shows_both_ends(here, runs, way):
    cli.main(
        ["interpolate", str(runs / "three"), "--rows", "2", "--steps", "5", "--way", way]
        + ["--seed", "3", "--out", "walk.png"]
    )
    walk = picture(here / "walk.png")
    assert walk.size == (5 * 10 + 2, 2 * 10 + 2)
    ends = latent.draw(4, 3, "uniform", torch.Generator().manual_seed(3))
    with torch.no_grad():
        images = RunDirectory(runs / "three").generator()(ends)
    expected = Image.open(io.BytesIO(grid_png(images, 2)))  # from, from; to, to
    for row in range(2):
        for column, end in ((0, row), (4, 2 + row)):
            got = crop(walk, row, column)
            wanted = crop(expected, *divmod(end, 2))
            assert max(abs(a - b) for a, b in zip(got, wanted, strict=True)) <= 1


def crop(grid: Image.Image, row: int, column: int) -> bytes:
    """The pixels of one picture of a grid of 8 x 8 pictures with gaps of 2."""
    left, top = 2 + 10 * column, 2 + 10 * row
    return grid.crop((left, top, left + 8, top + 8)).tobytes()


def test_a_manifold_reads_like_paper(here, runs):
    cli.main(["manifold", str(runs / "two"), "--rows", "3", "--columns", "4", "--out", "m.png"])
    grid = picture(here / "m.png")
    assert grid.size == (4 * 10 + 2, 3 * 10 + 2)
    corners = torch.tensor([[-1.0, 1], [1, 1], [-1, -1], [1, -1]])
    with torch.no_grad():
        images = RunDirectory(runs / "two").generator()(corners)
    expected = Image.open(io.BytesIO(grid_png(images, 2)))
    for place, corner in (((0, 0), (0, 0)), ((0, 3), (0, 1)), ((2, 0), (1, 0)), ((2, 3), (1, 1))):
        got, wanted = crop(grid, *place), crop(expected, *corner)
        assert max(abs(a - b) for a, b in zip(got, wanted, strict=True)) <= 1


def test_what_cannot_be_drawn_is_one_sentence(here, runs):
    said = refusal("manifold", runs / "three")
    assert "has 3 noise coordinates, and only two" in said and "--networks.z-dim 2" in said
    assert "a grid needs two rows" in refusal("manifold", runs / "two", "--rows", 1)
    assert "--rows is 0" in refusal("interpolate", runs / "three", "--rows", 0)
    assert "not 1 steps" in refusal("interpolate", runs / "three", "--steps", 1)
    assert files(here) == {}
