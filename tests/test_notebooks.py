"""What must hold for the committed notebooks, without running them (nbval runs them)."""

import re
import socket
from pathlib import Path

import nbval.kernel
import notebook_rules as rules
import pytest
from jupyter_client.connect import LocalPortCache

NOTEBOOKS = rules.ROOT / "notebooks"
CHAPTERS = sorted(NOTEBOOKS.glob("*.ipynb"))
SOLUTIONS = sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))
EVERY = [*CHAPTERS, *SOLUTIONS]
SCRIPTS = sorted((NOTEBOOKS / "source").rglob("*.py"))


def named(path: Path) -> str:
    return path.stem


def prefix(path: Path) -> str:
    return path.name.split("_")[0]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", EVERY, ids=named)
def test_rule(path, rule):
    assert rule(rules.read(path)) == []


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_notebook_and_script_agree(path):
    assert rules.pair_agrees(path) == []


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_github_still_shows_the_notebook(path):
    assert rules.small_enough(path) == []


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_links_and_pictures_exist(path):
    assert rules.links_exist(rules.prose(rules.read(path)), path.parent) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=named)
def test_goals_name_exercises(path):
    assert rules.goals_name_exercises(rules.read(path)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=named)
def test_exercises_have_solutions(path):
    solutions = NOTEBOOKS / "solutions" / f"{prefix(path)}_solutions.ipynb"
    assert rules.exercises_have_solutions(
        rules.read(path),
        rules.read(solutions) if solutions.exists() else None,
        rules.number_of(path.name),
    ) == []  # fmt: skip


def test_equation_numbers_agree():
    assert rules.equations_agree({path.name: rules.read(path) for path in EVERY}) == []


def test_readme_lists_the_chapters():
    readme = (rules.ROOT / "README.md").read_text(encoding="utf-8")
    assert rules.table_agrees(readme, {path.name: rules.read(path) for path in CHAPTERS}) == []


@pytest.mark.parametrize("folder", [".", "data_prep"])
def test_readme_links_exist(folder):
    readme = (rules.ROOT / folder / "README.md").read_text(encoding="utf-8")
    assert rules.links_exist(readme, rules.ROOT / folder) == []


def test_there_are_chapters_and_nothing_else():
    """An empty folder would pass all of the above."""
    pattern = r"(\d\d|appendix)(_[a-z]+)+"
    assert [path for path in CHAPTERS if not re.fullmatch(pattern, path.stem)] == []
    assert CHAPTERS and CHAPTERS[0].name == "00_start_here.ipynb"
    numbers = [prefix(path) for path in CHAPTERS]
    assert len(set(numbers)) == len(numbers)
    assert {path.stem for path in SOLUTIONS} <= {f"{number}_solutions" for number in numbers}


def test_every_script_has_its_notebook():
    assert [s.name for s in SCRIPTS if not rules.notebook_of(s).exists()] == []


def test_the_library_names_equations_that_exist():
    """A docstring says "chapter 02, (2.1)"; where that chapter is written, it has the equation."""
    notebooks = {path.name: rules.read(path) for path in EVERY}
    written = {rules.number_of(name) for name in notebooks}
    defined = {tag for notebook in notebooks.values() for tag in rules.equations_defined(notebook)}
    missing = [
        f"{path.relative_to(rules.ROOT)}: ({tag})"
        for path in sorted((rules.ROOT / "lsgan_lib").rglob("*.py"))
        for tag in re.findall(
            rf"(?:[Cc]hapter \d\d|[Aa]ppendix),\s+\(({rules.NUMBER})\)",
            path.read_text(encoding="utf-8"),
        )
        if tag.split(".")[0] in written and tag not in defined
    ]
    assert missing == []


def test_a_kernel_whose_port_was_taken_is_started_again(monkeypatch):
    """Else a whole chapter fails when two workers start kernels in the same second."""
    find_free, told = LocalPortCache.find_available_port, []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        def first_one_taken(cache, ip):
            told.append(find_free(cache, ip) if told else taken.getsockname()[1])
            return told[-1]

        monkeypatch.setattr(LocalPortCache, "find_available_port", first_one_taken)
        kernel = nbval.kernel.RunningKernel(nbval.kernel.CURRENT_ENV_KERNEL_NAME)
    try:
        assert kernel.is_alive()
        assert len(told) == 2 * len(kernel.km.ports)
    finally:
        kernel.stop()
