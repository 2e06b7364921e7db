"""Every lab of every chapter, used in JupyterLab in a real browser, control by control.

Which chapters have labs is read from the notebooks, and what a lab consists of from the page, so a
new lab is tested as soon as it stands in a chapter.

`make test-browser` runs this file in two browsers at a time, eight to eleven minutes in all.
`make test-browser PAGES=short`, which takes two to three, uses each of the five labs once, on
the imports of its chapter, without the rest of the page, and leaves Notebook 7 and restarted
kernels out.
"""

import os
import re
import time
from pathlib import Path

import nbformat
import pytest
from lab_pages import LOOK, Book, Chapter, LabOnPage, open_book
from planted_lab import PAGE_FAULTS
from test_jupyterlab import CHROMIUM, ROOT, launched

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome found on this machine"),
]

TESTS = Path(__file__).parent
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def with_labs() -> list[str]:
    """Chapters whose code imports something from lsgan_lib.labs."""
    found = []
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(file, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        if re.search(r"^\s*(from|import) lsgan_lib\.labs", code, re.MULTILINE):
            found.append(file.stem)
    return found


FIVE = re.compile(r"\b(LatentExplorer|LiveLab|LossBench|ConeDrawer|Monitor)\b")
SHORT = os.environ.get("LSGAN_PAGES") == "short"
"""one chapter for each of the five labs, and of that only the imports and the lab"""
long = pytest.mark.skipif(SHORT, reason="in `make test-browser` without PAGES=short")
ONE_EACH = {
    *("00_start_here", "02_derive_least_squares", "04_train_digits", "05_count_modes"),
    "07_derive_loss_sensitive",
}


def pages() -> list[str]:
    """The chapters whose labs are used."""
    return [name for name in with_labs() if not SHORT or name in ONE_EACH]


def shortened(page: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Its code as far as the imports, and its labs: a lab may need nothing else."""
    code = [cell for cell in page.cells if cell.cell_type == "code"]
    imported = next(i for i, c in enumerate(code) if re.search(r"^setup\(", c.source, re.MULTILINE))
    labs = [cell for cell in code[imported + 1 :] if FIVE.search(cell.source)]
    return nbformat.v4.new_notebook(metadata=page.metadata, cells=code[: imported + 1] + labs)


def short_page(*cells: str) -> nbformat.NotebookNode:
    """A notebook of our own, in whose first cell the planted lab is imported."""
    first = f"import sys\nsys.path.insert(0, {str(TESTS)!r})\nfrom planted_lab import PlantedLab"
    return nbformat.v4.new_notebook(
        metadata={"kernelspec": KERNEL},
        cells=[nbformat.v4.new_code_cell(source) for source in (first, *cells)],
    )


@pytest.fixture(scope="module")
def browser():
    with launched() as one:
        yield one


@pytest.fixture(scope="module")
def book(browser, tmp_path_factory):
    with open_book(browser, tmp_path_factory.mktemp("jupyterlab")) as opened:
        for name in pages() if SHORT else ():
            file = opened.notebooks / f"{name}.ipynb"
            nbformat.write(shortened(nbformat.read(file, as_version=4)), file)
        yield opened


def run(book: Book, name: str) -> Chapter:
    """Open a notebook and run all of it."""
    chapter = book.open(name)
    chapter.begin()
    chapter.finish()
    return chapter


def planted(book: Book, name: str, *cells: str) -> Chapter:
    nbformat.write(short_page(*cells), book.notebooks / f"{name}.ipynb")
    return run(book, name)


def look_at(chapter: Chapter, book: Book) -> list[str]:
    """Use and read every lab of a chapter; what was used."""
    used = []
    labs = chapter.labs()
    assert labs, f"{chapter.name} shows no lab"
    for lab in labs:
        used += lab.use(book.picture)
    # as at 125 % in a window of 1,400 pixels
    chapter.page.set_viewport_size({"width": 1120, "height": 800})
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        chapter.theme(theme)
        for lab in labs:
            lab.read(theme)
    chapter.note_errors()
    return used


@pytest.mark.parametrize("name", pages())
def test_every_lab_of_a_chapter(name, book):
    chapter = run(book, name)
    try:
        begun = time.monotonic()
        used = look_at(chapter, book)
        print(f"{name}: {len(used)} controls in {time.monotonic() - begun:.0f} s")
        assert used
        if chapter.trouble:
            pytest.fail("\n".join(chapter.trouble), pytrace=False)
    finally:
        chapter.close()


def test_chapters_with_labs_are_found():
    assert {"00_start_here", "02_derive_least_squares"} <= set(with_labs())
    assert set(with_labs()) >= ONE_EACH
    pages_of_each = [(ROOT / "notebooks" / f"{name}.ipynb").read_text() for name in ONE_EACH]
    assert {lab for text in pages_of_each for lab in FIVE.findall(text)} == {
        *("LatentExplorer", "LiveLab", "LossBench", "ConeDrawer", "Monitor")
    }


# --- the harness itself -------------------------------------------------------------------------

SAYS = {
    "stale": "select “size” changes nothing",
    "exception": "ValueError: planted",
    "observer": "ValueError: planted",
    "dead": "pad “field” changes nothing",
    "keyless": "does not answer to keys",
    "wide": "too wide for a window of 1120 pixels",
    "faint": "cannot be read in the theme JupyterLab Dark",
    "script": "console error",
}


def test_a_sound_lab_is_used_without_trouble(book):
    chapter = planted(book, "sound", "lab = PlantedLab()\nlab.show()")
    used = look_at(chapter, book)
    assert chapter.trouble == []
    assert used == ["slider red", "button loud", "select size", "button again",
                    "upload Upload (0)", "pad field"]  # fmt: skip
    assert int(chapter.ask("lab.calls")) >= 6
    assert chapter.ask("lab.settings.size") == "'large'"
    chapter.close()


def test_each_planted_fault_is_told(book, monkeypatch):
    """All on one page, each lab with its own."""
    monkeypatch.setattr(LabOnPage, "patience", 0.1)
    cells = [f"PlantedLab({fault!r}).show()" for fault in PAGE_FAULTS]
    chapter = planted(book, "planted", *cells, "1 / 0")
    look_at(chapter, book)
    for fault in PAGE_FAULTS:
        told = [
            text
            for text in chapter.trouble
            # a lab that breaks when the page shows it does so before its turn
            if fault == "script" or f"PlantedLab({fault!r})" in text
        ]
        assert any(SAYS[fault] in text for text in told), (fault, chapter.trouble)
    assert "error cell: ZeroDivisionError division by zero" in chapter.trouble
    chapter.close()


THREAD = """import threading
lab = PlantedLab()
lab.image.on_gone(lab.stop.set)
threading.Thread(target=lab.stop.wait, daemon=True, name="planted").start()
lab.show()"""
ALIVE = "sum(t.name == 'planted' for t in __import__('threading').enumerate())"
FILLER = "from IPython.display import HTML\nHTML('<div style=\"height: 3000px\">far</div>')"


def soon(chapter: Chapter, expression: str, value: str, seconds: float = 15) -> bool:
    """Whether the kernel comes to say so within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if chapter.ask(expression) == value:
            return True
        time.sleep(0.1)
    return False


def test_a_lab_lives_on_out_of_view_and_ends_with_its_cell(book):
    """Only then may a lab stop its thread: scrolled away is not gone."""
    chapter = planted(book, "ending", THREAD, *[FILLER] * 4)
    (lab,) = chapter.labs()
    lab.bring()
    assert chapter.ask(ALIVE) == "1"
    chapter.page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.scrollToItem(5, 'end').then(() => null)"
    )
    time.sleep(2)
    assert chapter.ask(ALIVE) == "1"
    lab.bring()
    select_cell(chapter, lab.cell)
    chapter.command("notebook:run-cell")
    assert soon(chapter, f"{ALIVE}, lab.image.views", "(1, 1)")  # the old one ended
    select_cell(chapter, lab.cell)
    chapter.command("notebook:delete-cell")
    assert soon(chapter, ALIVE, "0")
    assert chapter.trouble == []
    chapter.close()


LIVE = """from lsgan_lib.labs.live_lab import LiveLab
lab = LiveLab("drawn")
lab.show()"""
FILMS = "sum(t.name == 'film' for t in __import__('threading').enumerate())"


def test_the_live_lab_trains_beside_other_cells_and_ends_with_its_own(book):
    chapter = planted(book, "live", LIVE, "seen = lab.settings.moves != ()")
    (lab,) = chapter.labs()
    place = lab.bring()
    pad = place.locator("img.lsgan-pad")
    before = place.evaluate(LOOK)
    pad.focus()  # by keys alone: a point where the cursor stands
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        chapter.page.keyboard.press(key)
    assert lab.answers(place, before, words=False)
    place.locator('button[title="Play"]').click()
    assert soon(chapter, FILMS, "1")
    assert soon(chapter, "lab.settings.moves != ()", "True")
    assert lab.answers(place, place.evaluate(LOOK), words=False)  # it plays on
    select_cell(chapter, 2)
    chapter.command("notebook:run-cell")  # another cell, meanwhile
    assert soon(chapter, "seen", "True")
    assert chapter.ask(FILMS) == "1"
    select_cell(chapter, lab.cell)
    chapter.command("notebook:run-cell")
    assert soon(chapter, FILMS, "0")
    place = lab.bring()
    place.locator('button[title="Play"]').click()
    assert soon(chapter, FILMS, "1")
    select_cell(chapter, lab.cell)
    chapter.command("notebook:delete-cell")
    assert soon(chapter, FILMS, "0")
    chapter.note_errors()
    assert chapter.trouble == []
    chapter.close()


def select_cell(chapter: Chapter, index: int) -> None:
    chapter.page.evaluate(
        """index => {
            const notebook = window.jupyterapp.shell.currentWidget.content
            notebook.activeCellIndex = index
            notebook.deselectAll()
        }""",
        index,
    )


EACH_ALONE = (
    "from lsgan_lib.labs.latent_explorer import LatentExplorer\n"
    "LatentExplorer.of_run('mnist-least-squares').show()",
    "from lsgan_lib.labs.live_lab import LiveLab\nLiveLab(strip=(0, 50)).show()",
    "from lsgan_lib.labs.loss_bench import LossBench\nLossBench().show()",
    "from lsgan_lib.labs.cone_drawer import ConeDrawer\nConeDrawer().show()",
    "from lsgan_lib.book import load_run\nfrom lsgan_lib.labs.monitor import Monitor\n"
    "Monitor(load_run('mnist-least-squares').folder).show()",
    "from lsgan_lib.labs.explore import explore\n"
    "explore(lambda ax, height: ax.plot([0, height, 4]), 'height', [0, 1, 2, 3])",
)
ADVICE = """lab => getComputedStyle(lab.querySelector(".lsgan-live"), "::after").content"""


@long
def test_every_lab_says_that_its_kernel_is_gone_and_needs_one_re_run(book):
    chapter = planted(book, "restarted", *EACH_ALONE)
    assert [lab.bring().evaluate(ADVICE) for lab in chapter.labs()] == ["none"] * len(EACH_ALONE)
    chapter.restart()
    for lab in chapter.labs():
        assert "Run its cell again" in lab.bring().evaluate(ADVICE)
    for index in range(1, len(EACH_ALONE) + 1):
        select_cell(chapter, index)
        chapter.command("notebook:run-cell")
    for lab in chapter.labs():
        place = lab.bring()
        assert place.evaluate(ADVICE) == "none"
        assert lab.use(book.picture, controls=3)
    chapter.note_errors()
    assert chapter.trouble == []
    chapter.close()


@long
def test_every_lab_works_in_notebook_7(browser, tmp_path):
    with open_book(browser, tmp_path, "notebook") as book:
        chapter = planted(book, "classic", *EACH_ALONE)
        for lab in chapter.labs():
            assert lab.use(book.picture, controls=9)
        chapter.note_errors()
        assert chapter.trouble == []
