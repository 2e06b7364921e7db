"""The README's promises: every flag of both seeds has a place, and every place exists."""

import re
from pathlib import Path

import pytest

from data_prep.sources import NAMES
from lsgan_lib import cli
from lsgan_lib.training import RECIPES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DATA_README = (ROOT / "data_prep" / "README.md").read_text(encoding="utf-8")

SEED_0 = """--train --generate --test --load --gan_type --dataset --zlen --lr --keep_prob --bsize
    --maxepoch --ng --nd --w_mutual""".split()
SEED_1 = """--dataset --dataroot --result --workers --batchSize --imageSize --nc --nz --ngf --ndf
    --niter --lrD --lrG --beta1 --cuda --gpu --lamb --gamma --slope --optim_method
    --manualSeed""".split()


def table(heading: str) -> list[list[str]]:
    """The rows of the table whose first header cell begins with `heading`."""
    lines = iter(README.splitlines())
    next(line for line in lines if line.startswith(f"| {heading}"))
    next(lines)  # the rule below the header
    rows = []
    for line in lines:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def flags(text: str) -> set[str]:
    return set(re.findall(r"--[A-Za-z0-9_.-]*[A-Za-z0-9]", text))


@pytest.fixture(scope="module")
def known_flags() -> set[str]:
    """Every flag that some command shows in its help."""
    return (
        _help("train", "mnist-least-squares")
        | _help("train", "faces-loss-sensitive")
        | _help("data", "celeba")
        | (_help("sample") | _help("interpolate") | _help("manifold") | _help("resume"))
    )


@pytest.fixture(scope="module")
def flags_of_source() -> dict[str, set[str]]:
    return {name: _help("data", name) for name in NAMES}


def _help(*command: str) -> set[str]:
    import contextlib
    import io

    text = io.StringIO()
    with contextlib.redirect_stdout(text), pytest.raises(SystemExit) as end:
        cli.main([*command, "--help"])
    assert end.value.code == 0
    return flags(text.getvalue())


@pytest.mark.parametrize(("heading", "expected"), [("seed 0", SEED_0), ("seed 1", SEED_1)])
def test_every_flag_of_a_seed_has_a_row(heading: str, expected: list[str]) -> None:
    named = set().union(*(flags(row[0]) for row in table(heading)))
    assert named == set(expected)


@pytest.mark.parametrize("heading", ["seed 0", "seed 1"])
def test_every_flag_of_ours_exists(heading: str, known_flags: set[str]) -> None:
    ours = set().union(*(flags(row[1]) for row in table(heading)))
    assert ours and ours <= known_flags


def test_a_made_up_flag_would_be_noticed(known_flags: set[str]) -> None:
    assert "--batch-size" in known_flags
    assert "--no-such-flag" not in known_flags


def test_every_command_shown_exists(known_flags: set[str]) -> None:
    shown = re.findall(r"^lsgan (\w+) ?([^#\n]*)", README, flags=re.MULTILINE)
    assert {name for name, _ in shown} == set(cli._COMMANDS)
    for name, rest in shown:
        if name == "data":
            continue
        assert flags(rest) - {"--help"} <= known_flags
        if name == "train":
            assert rest.split()[0] in RECIPES


@pytest.mark.parametrize("text", [README, DATA_README], ids=["README", "data_prep/README"])
def test_every_data_command_shown_exists(text: str, flags_of_source: dict[str, set[str]]) -> None:
    shown = re.findall(r"^(?:    )?lsgan data (\w+) ?([^#\n]*)", text, flags=re.MULTILINE)
    assert shown
    for name, rest in shown:
        if name not in ("list", "show", "verify"):
            assert flags(rest) <= flags_of_source[name], (name, rest)


def test_the_guide_to_data_lists_every_source_and_no_other() -> None:
    (rows,) = re.findall(
        r"^\| name \| pictures.*\n\|.*\n((?:\|.*\n)+)", DATA_README, flags=re.MULTILINE
    )
    listed = re.findall(r"`(\w+)`", "\n".join(row.split("|")[1] for row in rows.splitlines()))
    assert sorted(listed) == sorted(NAMES)


def test_every_flag_in_the_guide_to_data_exists(flags_of_source: dict[str, set[str]]) -> None:
    known = set().union(*flags_of_source.values())
    assert flags(DATA_README) - {"--data", "--help"} <= known
