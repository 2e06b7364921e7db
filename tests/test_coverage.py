"""notebooks/COVERAGE.md: where each part of the papers and seeds is treated, with no dead link."""

import ast
import re
from pathlib import Path
from urllib.parse import unquote

import notebook_rules as rules
import pytest

NOTEBOOKS = rules.ROOT / "notebooks"
PAGE = (NOTEBOOKS / "COVERAGE.md").read_text(encoding="utf-8")
LEAST_SQUARES = {"S0", "P1"}  # the seed and the papers of the part that is written
ROWS = 72


def rows(page: str) -> list[list[str]]:
    """Number, item, sources and place of each row."""
    lines = [line for line in page.splitlines() if re.match(r"\|\s*\d+\s*\|", line)]
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]


def links(text: str) -> list[tuple[str, str]]:
    """(words, target) of each link."""
    return re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", text)


def anchors(notebook: Path) -> set[str]:
    """The places that JupyterLab can jump to: headings, with hyphens for spaces."""
    titles = re.findall(r"^#+\s+(.+?)\s*$", rules.prose(rules.read(notebook)), flags=re.MULTILINE)
    return {title.replace("`", "").replace("*", "").replace(" ", "-") for title in titles}


def names(module: Path) -> set[str]:
    """What a Python file defines: functions, classes and their methods, fields, constants."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


def dead(page: str, folder: Path = NOTEBOOKS) -> list[str]:
    """Links to no file, to no heading, or with a `name` that the file does not define."""
    complaints = []
    for words, target in links(page):
        file, _, anchor = target.partition("#")
        path = folder / file
        if re.match(r"[a-z]+:", target):
            continue  # another site
        if not path.exists():
            complaints.append(f"{target} does not exist")
        elif anchor and unquote(anchor) not in anchors(path):
            complaints.append(f"{file} has no section {anchor}")
        elif path.suffix == ".py":
            complaints += [
                f"{file} does not define {name}"
                for name in re.findall(r"`(\w+)`", words)
                if name not in names(path)
            ]
    return complaints


def without_place(page: str) -> list[str]:
    """Rows of the Least Squares part that have no link and no mark for later."""
    return [
        f"row {number}, {item}"
        for number, item, sources, place in rows(page)
        if LEAST_SQUARES & set(re.findall(r"\w+", sources))
        and not links(place)
        and "later:" not in place
    ]


def overdue(page: str) -> list[str]:
    """Rows left for a chapter that is written by now."""
    return [
        f"row {number} waits for chapter {chapter}, which exists"
        for number, *_, place in rows(page)
        for chapter in re.findall(r"later: chapter (\d\d)", place)
        if list(NOTEBOOKS.glob(f"{chapter}_*.ipynb"))
    ]


def test_every_row_is_there_once_and_in_order() -> None:
    assert [int(number) for number, *_ in rows(PAGE)] == list(range(1, ROWS + 1))


def test_every_row_of_the_least_squares_part_has_a_place() -> None:
    assert without_place(PAGE) == []


def test_rows_of_other_parts_have_a_place_or_say_when() -> None:
    assert [row[0] for row in rows(PAGE) if not links(row[3]) and "later:" not in row[3]
            and "out of scope" not in row[3]] == []  # fmt: skip


def test_no_link_is_dead() -> None:
    assert links(PAGE) and dead(PAGE) == []


def test_nothing_is_left_for_a_chapter_that_exists() -> None:
    assert overdue(PAGE) == []


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("[x](nowhere.py)", "does not exist"),
        ("[x](04_train_digits.ipynb#Read-the-tea-leaves)", "no section"),
        ("[`critic_los`](../lsgan_lib/losses/least_squares.py)", "does not define critic_los"),
    ],
)
def test_a_dead_link_would_be_found(page: str, said: str) -> None:
    assert len(dead(page)) == 1 and said in dead(page)[0]


def test_live_links_are_not_reported() -> None:
    page = "[x](04_train_digits.ipynb#Read-the-curves) and "
    page += "[`critic_loss`](../lsgan_lib/losses/least_squares.py)"
    assert dead(page) == []


def test_a_row_without_a_place_would_be_found() -> None:
    assert without_place("| 1 | generator | S0, P1 | |") == ["row 1, generator"]
    assert without_place("| 1 | generator | S0 | later: chapter 11 |") == []
    assert overdue("| 1 | generator | S0 | later: chapter 04 |") != []
