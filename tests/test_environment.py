"""The lists of packages agree; what is installed is light to import, and installed once."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lsgan_lib.environment import PYTHON_NEEDED, TORCH_NEEDED

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]

# What a package is called in conda, where it has another name there.
IN_CONDA = {
    "torch": "pytorch",
    "matplotlib": "matplotlib-base",
    "playwright": "playwright-python",
    "lmdb": "python-lmdb",
}


def bounds(lines: list[str]) -> dict[str, str]:
    """Package -> bound, from lines such as "torch>=2.11"."""
    parsed = map(Requirement, lines)
    return {canonicalize_name(r.name): str(r.specifier) for r in parsed}


EVERYTHING = bounds([*PROJECT["dependencies"], *sum(EXTRAS.values(), [])])


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_lock_pins_every_dependency_within_its_bound(name):
    # one package may be pinned twice, for different versions of Python
    pins = [r for r in map(Requirement, LOCK.split("\n")[:-1]) if canonicalize_name(r.name) == name]
    assert pins
    for pin in pins:
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), f"{pin} is not one exact version"
        version = str(pin.specifier).removeprefix("==")
        assert Requirement(f"{name}{EVERYTHING[name]}").specifier.contains(version)


def test_the_start_page_asks_for_the_versions_that_pyproject_asks_for():
    for needed, bound in (
        (PYTHON_NEEDED, PROJECT["requires-python"]),
        (TORCH_NEEDED, EVERYTHING["torch"]),
    ):
        assert bound == ">=" + ".".join(map(str, needed))


def test_the_lock_names_no_registry():
    """Whoever installs chooses where from; a "+cpu" build would come from one registry only."""
    assert not re.search(r"://|--|@|\+|\.(org|com|io)\b", LOCK)


def test_conda_lists_what_pyproject_lists():
    (by_pip,) = (line["pip"] for line in CONDA if isinstance(line, dict))
    assert by_pip.pop() == "--editable ."
    lists = [PROJECT["dependencies"], *(EXTRAS[name] for name in ("book", "prep", "test"))]
    ours = bounds(sum(lists, []))
    pip_only = bounds(by_pip)
    expected = {IN_CONDA.get(k, k): bound for k, bound in ours.items() if k not in pip_only}
    expected |= {"python": PROJECT["requires-python"], "pip": ""}
    assert bounds([line for line in CONDA if isinstance(line, str)]) == expected
    assert pip_only == {k: bound for k, bound in ours.items() if k in pip_only}


def test_conda_gives_a_reason_for_each_line():
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    items = [line for line in lines if line.lstrip().startswith("- ") and not line.endswith(":")]
    assert items
    assert [line for line in items if not re.search(r"\s# \w|\s# \S+ \w", line)] == []


# --- light to import --------------------------------------------------------------------------


def seconds(code: str) -> float:
    """Time that a new Python takes to run ``code``, less its own start, measured inside."""
    timed = f"import time; s = time.perf_counter(); {code}; print(time.perf_counter() - s)"
    done = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.slow
def test_the_library_adds_little_to_torch():
    """The best of three each, in turns: other work on the machine only ever adds time."""
    pairs = [(seconds("import torch"), seconds("import lsgan_lib")) for _ in range(3)]
    torch_alone, ours = (min(times) for times in zip(*pairs, strict=True))
    assert ours <= torch_alone + 0.2


# DESIGN.md's order of imports: only these may draw or show widgets.
MAY_DRAW = ("figures", "diagrams", "six_views", "labs", "book", "exercises")
LIST_MODULES = f"""
import importlib, pkgutil, sys
import lsgan_lib
for module in pkgutil.walk_packages(lsgan_lib.__path__, "lsgan_lib."):
    if module.name.split(".")[1] not in {MAY_DRAW}:
        importlib.import_module(module.name)
    for heavy in ("matplotlib", "ipywidgets", "IPython"):
        if heavy in sys.modules:
            sys.exit(f"{{module.name}} imports {{heavy}}")
"""


@pytest.mark.slow
def test_nothing_below_the_figures_imports_matplotlib_or_widgets():
    done = subprocess.run([sys.executable, "-c", LIST_MODULES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- installed once ---------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path):
    """The files that `make` looks at, with an installation that is up to date."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
        os.utime(tmp_path / name, (1_000_000, 1_000_000))
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "installed").touch()
    return tmp_path


def plan(folder: Path, *arguments: str) -> str:
    """What make would do. Without the variables that a `make test` around us sets."""
    clean = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    command = ["make", "--dry-run", *arguments]
    return subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, check=True
    ).stdout


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@needs_make
@pytest.mark.parametrize("target", ["lab", "test"])
def test_the_second_call_installs_nothing(checkout, target):
    assert "install" not in plan(checkout, target)


@needs_make
@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements.lock"])
def test_changed_dependencies_are_installed(checkout, changed):
    os.utime(checkout / changed)
    os.utime(checkout / ".venv" / "installed", (2_000_000, 2_000_000))
    assert "pip install" in plan(checkout, "lab")


@needs_make
def test_lab_opens_the_start_page_and_takes_options(checkout):
    last = plan(checkout, "lab", "LAB_ARGS=--no-browser --port 9999").splitlines()[-1]
    assert last.endswith(" --no-browser --port 9999")
    # by address, not by file name: then JupyterLab would serve that file's folder only, and the
    # chapters' pictures, in ../assets, would lie outside
    page = re.search(r"default_url=/lab/tree/(\S+)", last).group(1)
    assert page == "notebooks/00_start_here.ipynb"
    assert (ROOT / page).exists()


@needs_make
def test_a_machine_without_python_is_told_what_to_do(checkout):
    (checkout / ".venv" / "installed").unlink()
    done = subprocess.run(["make", "lab", "PYTHON="], cwd=checkout, capture_output=True, text=True)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stdout
