"""Make chapters from their scripts: notebooks/source/NN_x.py -> notebooks/NN_x.ipynb.

    make chapter N=04          or  python tests/refresh.py 04
    python tests/refresh.py 02 04    python tests/refresh.py all

A chapter's solutions are refreshed with it. The script is the truth, always: nothing here looks at
which of the two files is newer, because a clone gives them arbitrary times. A notebook is written
only when every cell ran, and written whole. What would differ from run to run without meaning
anything (timestamps, random names, widget state) is taken out, so that a diff shows real changes.
"""

import argparse
import base64
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from notebook_rules import (
    ROOT,
    RULES,
    WIDGET_VIEW,
    code_sha256,
    content_ids,
    notebook_of,
    read,
    small_enough,
)
from PIL import Image

SOURCE = ROOT / "notebooks" / "source"
CELL_TIMEOUT = 300  # seconds; a whole chapter is meant to take 60


class ChapterError(Exception):
    """A chapter cannot be refreshed; the message is for its author."""


def from_script(script: Path) -> NotebookNode:
    """The script as a notebook that has not been run, holding nothing but cells, tags and names."""
    try:
        notebook = jupytext.read(script, fmt="py:percent")
    except nbformat.ValidationError as error:
        raise ChapterError(f"{script.name} has a wrong header: {error.message}") from error
    notebook.nbformat, notebook.nbformat_minor = 4, 5  # the first format with cell ids
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": NATIVE_KERNEL_NAME,  # "python3", which every reader has
            },
            "language_info": {"name": "python", "pygments_lexer": "ipython3"},
        }
    )
    for cell, name in zip(notebook.cells, content_ids(notebook), strict=True):
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if "hide-input" in tags:
            # the tag is for book builders; this is what JupyterLab itself folds by
            cell.metadata["jupyter"] = {"source_hidden": True}
        cell.id = name
    return notebook


def run(notebook: NotebookNode, folder: Path, title: str) -> None:
    """Run all cells in ``folder``, under the conditions in which nbval will run them again."""
    os.environ["OMP_NUM_THREADS"] = "1"  # more threads than free cores can be 50 times slower
    info = notebook.metadata.language_info
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name=NATIVE_KERNEL_NAME,
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
    )
    number = 0
    # the kernel's own stderr carries only notices about its connection; errors come as messages
    with client.setup_kernel(stderr=subprocess.DEVNULL):
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            number += 1
            try:
                client.execute_cell(cell, index, execution_count=number)
            except CellExecutionError:
                what = traceback_of(cell)
            except (CellTimeoutError, DeadKernelError) as error:
                what = f"{type(error).__name__}: {error}"
            else:
                continue
            raise ChapterError(
                f"{title}, code cell {number} (cell {index + 1} of {len(notebook.cells)}):\n\n"
                f"{indented(cell.source)}\n\n{what}"
            )
    notebook.metadata.language_info = info  # the client adds the exact Python version


def clean(notebook: NotebookNode) -> None:
    """Take out what a second run would change, and what GitHub or JupyterLab cannot show."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            # without its model, which lives in the kernel, a view shows "model not found"
            output.get("data", {}).pop(WIDGET_VIEW, None)
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = lossless(output.data["image/png"])
    notebook.metadata["lsgan"] = {"code_sha256": code_sha256(notebook)}


def lossless(picture: str) -> str:
    """The same picture in fewer bytes: no unused transparency, one channel where all is grey.

    Matplotlib saves every figure in four channels. For digits that doubles the file.
    """
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        red, green, blue, _ = image.split()
        grey = red.tobytes() == green.tobytes() == blue.tobytes()
        image = red if grey else image.convert("RGB")
    smaller = io.BytesIO()
    image.save(smaller, format="PNG", optimize=True)
    return base64.b64encode(smaller.getvalue()).decode()


def write_whole(notebook: NotebookNode, path: Path) -> None:
    """Write the file under another name first, so that no one ever sees half of it."""
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".ipynb.unfinished")
    try:
        nbformat.write(notebook, unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def refuse_to_lose_edits(path: Path, script: Path) -> None:
    """Stop if somebody worked in the notebook itself; the script would overwrite it."""
    if not path.exists():
        return
    old = read(path)
    if [cell.get("id") for cell in old.cells] == content_ids(old):
        return  # as the last refresh left it
    texts = [(cell.cell_type, cell.source) for cell in old.cells]
    if texts == [(cell.cell_type, cell.source) for cell in from_script(script).cells]:
        return  # edited, but the script says the same
    raise ChapterError(
        f"{path.name} was edited after its last refresh, and the script would overwrite that.\n"
        f"To keep the edits:   python tests/refresh.py --to-script {path.name[:2]}\n"
        f"To drop them:        delete {path.name} and refresh again"
    )


def refresh(script: Path) -> None:
    """One script -> one notebook."""
    path = notebook_of(script)
    refuse_to_lose_edits(path, script)
    start = time.perf_counter()
    notebook = from_script(script)
    run(notebook, path.parent, title=script.stem)
    clean(notebook)
    write_whole(notebook, path)
    kilobytes = path.stat().st_size / 1000
    print(f"{script.stem}: {time.perf_counter() - start:.1f} s, {kilobytes:.0f} kB", flush=True)
    complaints = [complaint for rule in RULES for complaint in rule(notebook)]
    for complaint in complaints + small_enough(path):
        print(f"  the tests will say: {complaint}", flush=True)


def to_script(script: Path) -> None:
    """The other way, on request only: carry what was edited in the notebook over to its script."""
    notebook = read(notebook_of(script))
    for cell in notebook.cells:
        cell.metadata.pop("jupyter", None)
    header = re.compile(r"# ---\n.*?\n# ---\n", re.DOTALL)
    ours = header.match(script.read_text(encoding="utf-8")).group()
    text = jupytext.writes(notebook, fmt="py:percent")
    script.write_text(header.sub(lambda _: ours, text, count=1), encoding="utf-8")
    print(f"{script.stem}: the script now says what the notebook says; refresh it next")


def scripts_of(number: str) -> list[Path]:
    """Scripts of a chapter and its solutions; of every chapter for "all"; "A" is the appendix."""
    named = {"all": "*.py", "A": "appendix_*.py"}
    pattern = named.get(number, f"{number.zfill(2)}_*.py")
    found = sorted(SOURCE.glob(pattern)) + sorted((SOURCE / "solutions").glob(pattern))
    if not found:
        raise ChapterError(f"no script matches notebooks/source/{pattern}")
    return found


def indented(text: str) -> str:
    """Four spaces before each line."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def traceback_of(cell: NotebookNode) -> str:
    """The error that a cell ended in, without the codes that colour it in a terminal."""
    lines = next(o.traceback for o in cell.outputs if o.output_type == "error")
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines))


def main() -> int:
    """Refresh the chapters named on the command line; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="+", metavar="N", help="04, or all")
    parser.add_argument(
        "--to-script", action="store_true", help="carry edits from the notebook to its script"
    )
    options = parser.parse_args()
    try:
        for script in [s for number in options.numbers for s in scripts_of(number)]:
            to_script(script) if options.to_script else refresh(script)
    except ChapterError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
