"""What must hold for every notebook of the book, as functions that return a list of complaints.

An empty list means that the rule holds. nbval runs the notebooks and compares what they print;
these rules catch what it cannot see: a notebook that was never run, a figure older than its code,
a link to nowhere. ``test_notebooks.py`` asks them of every notebook, ``test_notebook_rules.py``
plants each failure and sees it caught, ``refresh.py`` writes notebooks that pass.
"""

import ast
import hashlib
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import jupytext
import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
LONGEST_CELL = 25  # lines of code
LARGEST_FILE = 1_000_000  # bytes; GitHub stops showing notebooks that are much larger
KNOWN_TAGS = {"hide-input", "nbval-ignore-output"}
MOST_IGNORED_CELLS = 5  # in one notebook: training cells and the versions cell
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


# --- what a notebook is made of ---------------------------------------------------------------


def read(path: Path) -> NotebookNode:
    """The notebook at ``path``, in today's format."""
    return nbformat.read(path, as_version=4)


def script_of(notebook: Path) -> Path:
    """The script that a notebook is made from: notebooks/X.ipynb <- notebooks/source/X.py."""
    if notebook.parent.name == "solutions":
        return notebook.parents[1] / "source" / "solutions" / f"{notebook.stem}.py"
    return notebook.parent / "source" / f"{notebook.stem}.py"


def notebook_of(script: Path) -> Path:
    """The notebook that a jupytext script becomes; the inverse of ``script_of``."""
    if script.parent.name == "solutions":
        return script.parents[2] / "solutions" / f"{script.stem}.ipynb"
    return script.parents[1] / f"{script.stem}.ipynb"


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells that hold code, in order; the first is code cell 1."""
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def code_sha256(notebook: NotebookNode) -> str:
    """One fingerprint of all code in the notebook, in order."""
    sources = (cell.source for cell in code_cells(notebook))
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()


def content_ids(notebook: NotebookNode) -> list[str]:
    """A name for each cell that depends on nothing but what the cell says.

    So a second run gives the same file, and a cell that somebody edited no longer has the name
    that its content would give it.
    """
    seen: dict[str, int] = {}
    ids = []
    for cell in notebook.cells:
        tags = ",".join(sorted(cell.metadata.get("tags", [])))
        text = f"{cell.cell_type}\0{tags}\0{cell.source}"
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        ids.append(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}")
    return ids


def prose(notebook: NotebookNode) -> str:
    """All Markdown of the notebook."""
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def without_code(markdown: str) -> str:
    """Markdown less its fenced blocks and its `code`, where brackets mean something else."""
    markdown = re.sub(r"^(```|~~~).*?^\1", "", markdown, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", markdown, flags=re.DOTALL)


def without_maths(markdown: str) -> str:
    """Markdown less its formulas, where (1.5) is a number and not an equation."""
    markdown = re.sub(r"\$\$.*?\$\$", "", markdown, flags=re.DOTALL)
    return re.sub(r"(?<![\\$])\$[^$]+?\$", "", markdown, flags=re.DOTALL)


def plain_python(code: str) -> str:
    """A cell's code with its %magics written as the function calls that they are."""
    return TransformerManager().transform_cell(code)


def tokens(code: str) -> Iterator[tokenize.TokenInfo]:
    """The cell as Python's own reader splits it: a ';' inside a string is no token."""
    return tokenize.generate_tokens(io.StringIO(plain_python(code)).readline)


def called_names(code: str) -> set[str]:
    """Names of all functions and methods that a cell calls: ``a.b(c())`` gives {"b", "c"}."""
    names = set()
    for node in ast.walk(ast.parse(plain_python(code))):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                names.add(node.func.id)
            elif isinstance(node.func, ast.Attribute):
                names.add(node.func.attr)
    return names


def printed(cell: NotebookNode) -> Iterator[str]:
    """Every text that a cell's outputs hold: streams, text and HTML, not pictures."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            yield output.text
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/") or kind == "image/svg+xml":
                yield data if isinstance(data, str) else "".join(data)


# --- rules of one notebook --------------------------------------------------------------------


def executed_in_one_go(notebook: NotebookNode) -> list[str]:
    """Cells are numbered 1, 2, 3, ... as after one run from top to bottom.

    nbval does not compare a cell without a number, so a notebook never run would pass.
    """
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        return [f"not run once from top to bottom: the cells are numbered {counts}"]
    return []


def no_widget_state(notebook: NotebookNode) -> list[str]:
    """No saved widgets: GitHub refuses to show some, and JupyterLab cannot find their models."""
    complaints = []
    if "widgets" in notebook.metadata:
        complaints.append("metadata.widgets is committed")
    for number, cell in enumerate(code_cells(notebook), start=1):
        if any(WIDGET_VIEW in output.get("data", {}) for output in cell.outputs):
            complaints.append(f"code cell {number} holds the view of a widget that is gone")
    return complaints


def no_long_cells(notebook: NotebookNode) -> list[str]:
    """A code cell fits on a screen."""
    return [
        f"code cell {number} has {lines} lines, more than {LONGEST_CELL}"
        for number, cell in enumerate(code_cells(notebook), start=1)
        if (lines := len(cell.source.splitlines())) > LONGEST_CELL
    ]


def no_trailing_semicolons(notebook: NotebookNode) -> list[str]:
    """nbval does not honour a semicolon that hides a result: write ``_ = plot(x)``."""
    ends = {tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER}
    return [
        f"code cell {number} has a line that ends in ';': {token.line.strip()}"
        for number, cell in enumerate(code_cells(notebook), start=1)
        for token, following in pairwise(tokens(cell.source))
        if token.string == ";" and following.type in ends
    ]


BANNED = {
    r"\b(interact|interact_manual|interactive|interactive_output)\s*\(": (
        "an Output widget in disguise: repaint an Image instead, as lsgan_lib.labs does"
    ),
    r"\bOutput\s*\(": "nbval cannot see into Output widgets: repaint an Image instead",
    r"\btqdm\b": "a progress bar prints rates, which differ each time: print one summary line",
    r"^\s*[%!]+\s*(pip|conda)\b": "a chapter installs nothing",
    r"^\s*!": "a chapter runs no shell commands",
    r"#\s*(NBVAL|PYTEST_VALIDATE)_": "write it as a tag, which readers do not see",
}


def no_banned_code(notebook: NotebookNode) -> list[str]:
    """Nothing that misbehaves under nbval, offline, or on another machine."""
    return [
        f"code cell {number} has {found.group().strip()!r}: {why}"
        for number, cell in enumerate(code_cells(notebook), start=1)
        for pattern, why in BANNED.items()
        if (found := re.search(pattern, cell.source, flags=re.MULTILINE))
    ]


def no_errors(notebook: NotebookNode) -> list[str]:
    """No committed cell ended in an error."""
    return [
        f"code cell {number} ended in {output.ename}: {output.evalue}"
        for number, cell in enumerate(code_cells(notebook), start=1)
        for output in cell.outputs
        if output.output_type == "error"
    ]


def outputs_belong_to_the_code(notebook: NotebookNode) -> list[str]:
    """The outputs were made by this very code.

    nbval does not look at figures, nor at cells tagged nbval-ignore-output: without the
    fingerprint they could be older than the code above them.
    """
    recorded = notebook.metadata.get("lsgan", {}).get("code_sha256")
    if recorded != code_sha256(notebook):
        return ["the code changed after the notebook was run: refresh it with `make chapter`"]
    return []


def may_differ(code: str) -> bool:
    """True for a cell that trains (numbers depend on the processor) or describes the machine."""
    names = called_names(code)
    return (
        any(name.startswith(("train", "resume")) for name in names)
        or {"backward", "step"} <= names
        or bool(names & {"versions", "check_environment"})
    )


def tags_are_sparing(notebook: NotebookNode) -> list[str]:
    """Only cells that train or print versions are left uncompared, and there are few of them."""
    complaints = []
    ignored = 0
    for number, cell in enumerate(code_cells(notebook), start=1):
        tags = set(cell.metadata.get("tags", []))
        if unknown := tags - KNOWN_TAGS:
            complaints.append(f"code cell {number} has unknown tags {sorted(unknown)}")
        if "nbval-ignore-output" in tags:
            ignored += 1
            if not may_differ(cell.source):
                complaints.append(
                    f"code cell {number} is tagged nbval-ignore-output, but neither trains "
                    "nor prints versions()"
                )
    if ignored > MOST_IGNORED_CELLS:
        complaints.append(f"{ignored} cells are tagged nbval-ignore-output")
    return complaints


# The lookbehind keeps https://example.org/home/ and ../work/ out.
MACHINE_PATH = re.compile(
    r"(?<![\w./])/(home|root|tmp|work|Users|mnt|opt|usr|var|private|builds?)/\S*"
    r"|\b[A-Z]:\\{1,2}Users\\\S*|/site-packages/\S*"
)


def no_machine_paths(notebook: NotebookNode) -> list[str]:
    """No output (a warning, most often) tells where the author's files are."""
    return [
        f"code cell {number} prints a path of one machine: {found.group()}"
        for number, cell in enumerate(code_cells(notebook), start=1)
        for text in printed(cell)
        if (found := MACHINE_PATH.search(text))
    ]


def no_unstable_metadata(notebook: NotebookNode) -> list[str]:
    """No timestamps, no private kernel, cell names that a second run gives again."""
    complaints = []
    kernel = notebook.metadata.get("kernelspec", {}).get("name")
    if kernel != "python3":
        complaints.append(
            f"the kernel is called {kernel!r}, which readers lack; it must be python3"
        )
    if any("execution" in cell.metadata for cell in notebook.cells):
        complaints.append("timestamps of the run are committed")
    if [cell.get("id") for cell in notebook.cells] != content_ids(notebook):
        complaints.append("cells were edited after the last refresh")
    return complaints


RULES: list[Callable[[NotebookNode], list[str]]] = [
    executed_in_one_go,
    no_widget_state,
    no_long_cells,
    no_trailing_semicolons,
    no_banned_code,
    no_errors,
    outputs_belong_to_the_code,
    tags_are_sparing,
    no_machine_paths,
    no_unstable_metadata,
]


# --- rules of files ---------------------------------------------------------------------------


def small_enough(path: Path) -> list[str]:
    """GitHub still shows the notebook."""
    size = path.stat().st_size
    return [f"{size:,} bytes, more than {LARGEST_FILE:,}"] if size > LARGEST_FILE else []


def pair_agrees(notebook: Path) -> list[str]:
    """The notebook and its script say the same, cell by cell."""
    script = script_of(notebook)
    if not script.exists():
        return [f"its script {script.name} is missing"]

    def cells(path: Path) -> list[tuple[str, str, list[str]]]:
        return [
            (c.cell_type, c.source, sorted(c.metadata.get("tags", [])))
            for c in jupytext.read(path).cells
        ]

    ours, theirs = cells(notebook), cells(script)
    for number, (a, b) in enumerate(zip(ours, theirs, strict=False), start=1):
        if a != b:
            return [f"cell {number} differs from {script.name}: refresh it with `make chapter`"]
    if len(ours) != len(theirs):
        return [f"{len(ours)} cells, but {len(theirs)} in {script.name}"]
    return []


def links_exist(markdown: str, folder: Path) -> list[str]:
    """Every relative link and picture leads to a file; ``folder`` is where the text lies."""
    text = without_maths(without_code(markdown))
    # [text](target "title"), ![text](target), <img src="target">, <a href="target">
    targets = re.findall(r"\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'][^)]*)?\)", text)
    targets += re.findall(r"<(?:img|a|source)\b[^>]*?\b(?:src|href)=[\"']([^\"']+)", text)
    targets += re.findall(r"^\s*\[[^\]]+\]:\s*(\S+)", text, flags=re.MULTILINE)
    complaints = []
    for target in targets:
        path = target.split("#")[0].split("?")[0].replace("%20", " ")
        if re.match(r"[a-z]+:", target) or not path:
            continue  # another site, or a place on this page
        if path.startswith("/"):
            complaints.append(f"link {target} is absolute")
        elif not (folder / path).exists():
            complaints.append(f"link {target} leads nowhere")
    return complaints


# --- rules of the whole book ------------------------------------------------------------------


NUMBER = r"(?:\d+|A)\.\d+"
"""Of an equation, an exercise or a figure: 2.1 in chapter 02, A.1 in the appendix."""


def number_of(name: str) -> str:
    """What a chapter's numbers begin with: "2" for 02_derive_least_squares.ipynb, "A" for
    appendix_prepare_faces.ipynb and its solutions.
    """
    return "A" if name.startswith("appendix_") else str(int(name[:2]))


def equations_defined(notebook: NotebookNode) -> list[str]:
    """Numbers of the equations that a notebook defines, "2.1" for \\tag{2.1}, with repeats."""
    return re.findall(rf"\\tag\{{({NUMBER})\}}", without_code(prose(notebook)))


def equations_named(notebook: NotebookNode) -> set[str]:
    """Numbers of the equations that the text, or a comment in the code, refers to: (2.1).

    There is no equation (0.k) outside chapter 0, where we do not look: "(0.5)" is a number.
    """
    comments = [
        token.string
        for cell in code_cells(notebook)
        for token in tokens(cell.source)
        if token.type == tokenize.COMMENT
    ]
    text = "\n".join([without_maths(without_code(prose(notebook))), *comments])
    return set(re.findall(r"\(((?:[1-9]\d?|A)\.\d+)\)", text))


def equations_agree(chapters: dict[str, NotebookNode]) -> list[str]:
    """Tags carry their chapter's number and are unique; every number referred to has its tag.

    ``chapters``: name -> notebook, solutions among them.
    """
    complaints = []
    defined: dict[str, str] = {}
    for name, notebook in chapters.items():
        for tag in equations_defined(notebook):
            if tag.split(".")[0] != number_of(name):
                complaints.append(f"{name}: equation ({tag}) carries another chapter's number")
            if tag in defined:
                complaints.append(f"{name}: equation ({tag}) was already defined in {defined[tag]}")
            defined[tag] = name
    for name, notebook in chapters.items():
        for tag in sorted(equations_named(notebook) - defined.keys()):
            complaints.append(f"{name}: refers to equation ({tag}), which is not defined")
    return complaints


def headings(notebook: NotebookNode, word: str) -> list[str]:
    """Numbers of headings such as ``### Exercise 2.1``, in order."""
    return re.findall(rf"^###\s+{word}\s+({NUMBER})\b", prose(notebook), flags=re.MULTILINE)


def exercises_have_solutions(
    chapter: NotebookNode, solutions: NotebookNode | None, number: str
) -> list[str]:
    """Each exercise has its solution and each solution its exercise, in the same order."""
    asked = headings(chapter, "Exercise")
    solved = headings(solutions, "Solution") if solutions is not None else []
    complaints = [f"Exercise {k} carries another chapter's number" for k in asked
                  if k.split(".")[0] != number]  # fmt: skip
    if len(set(asked)) < len(asked):
        complaints.append(f"two exercises have one number: {asked}")
    complaints += [f"Exercise {k} has no solution" for k in asked if k not in solved]
    complaints += [f"Solution {k} has no exercise" for k in solved if k not in asked]
    if not complaints and asked != solved:
        complaints.append(f"exercises come in the order {asked}, solutions in {solved}")
    return complaints


def goals_name_exercises(chapter: NotebookNode) -> list[str]:
    """Each goal under "What you will be able to do" names an exercise that tests it."""
    section = re.search(
        r"^#+[^\n]*will be able to[^\n]*\n(.*?)(?=^#|\Z)", prose(chapter), re.DOTALL | re.MULTILINE
    )
    if section is None:
        return ["no section 'What you will be able to do'"]
    # a goal is a list item with the lines that continue it
    goals = re.split(r"^\s*(?:[-*+]|\d+[.)])\s+", section.group(1), flags=re.MULTILINE)[1:]
    if not goals:
        return ["'What you will be able to do' lists no goals"]
    exercises = headings(chapter, "Exercise")
    complaints = []
    for goal in goals:
        goal = goal.split("\n\n")[0]
        named = re.findall(rf"\bExercises?\s+({NUMBER}(?:(?:,| and|, and) {NUMBER})*)", goal, re.I)
        numbers = re.findall(NUMBER, " ".join(named))
        if not numbers:
            complaints.append(f"goal names no exercise: {goal.strip()}")
        complaints += [f"goal names Exercise {k}, which does not exist" for k in numbers
                       if k not in exercises]  # fmt: skip
    return complaints


def table_agrees(readme: str, chapters: dict[str, NotebookNode]) -> list[str]:
    """README's table lists every chapter once, in order, with the minutes its first cell gives."""
    rows = re.findall(
        r"^\|[^|\n]*\]\(notebooks/((?:\d\d|appendix)_\w+\.ipynb)\)[^|\n]*\|\s*([^|\n]*?)\s*\|",
        readme,
        re.M,
    )
    listed = [name for name, _ in rows]
    complaints = [f"README does not list {name}" for name in chapters if name not in listed]
    complaints += [f"README lists {name}, which does not exist" for name in listed
                   if name not in chapters]  # fmt: skip
    if not complaints and listed != sorted(chapters):
        complaints.append(f"README lists the chapters in the order {listed}")
    for name, minutes in rows:
        if name in chapters:
            first = chapters[name].cells[0].source
            said = re.search(r"about (\d+) minutes", first)
            if said is None:
                complaints.append(f"{name}: the first cell does not say 'about N minutes'")
            elif re.findall(r"\d+", minutes)[:1] != [said.group(1)]:
                complaints.append(f"{name}: {said.group(1)} minutes, but README says {minutes!r}")
    return complaints
