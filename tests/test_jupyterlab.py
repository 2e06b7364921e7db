"""The start page in a real JupyterLab in a real browser, as a reader meets it.

    python tests/test_jupyterlab.py 00_start_here page.png

runs a notebook the same way and takes a picture of it, for authors who have no screen.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
START = "00_start_here"
PATIENCE = 300  # seconds, for any single step on a slow machine
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]  # fmt: skip

# What the page is asked. With windowing only the cells in view are in the page, so we ask
# JupyterLab's own model, which has all of them.
CODE_CELLS = """() => {
    const cells = window.jupyterapp.shell.currentWidget?.content?.widgets ?? []
    return cells.filter(c => c.model.type === "code" && c.model.sharedModel.source.trim())
                .map(c => ({count: c.model.executionCount, outputs: c.model.outputs.toJSON()}))
}"""
DONE = f"""() => {{
    const cells = ({CODE_CELLS})()
    const failed = cells.some(c => c.outputs.some(o => o.output_type === "error"))
    return failed || (cells.length && cells.every(c => c.count))
}}"""
# Asked from the first moment on, while the page may not have its JupyterLab yet.
KERNEL_IDLE = """() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel
                       ?.status === "idle" """
SHOW_SLIDER = """() => {
    const notebook = window.jupyterapp.shell.currentWidget.content
    const view = "application/vnd.jupyter.widget-view+json"
    const index = notebook.widgets.findIndex(c =>
        c.model.type === "code" && c.model.outputs.toJSON().some(o => o.data?.[view]))
    return notebook.scrollToItem(index, "start").then(() => index)
}"""
PICTURE = """async image => {
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer())
    return Array.from(bytes, b => b.toString(16).padStart(2, "0")).join("")
}"""


@contextlib.contextmanager
def jupyterlab(folder: Path, app: str = "jupyterlab") -> Iterator[str]:
    """The address of a JupyterLab that serves a copy of the book, so that ours stays as it is.

    app: or "notebook", for Notebook 7.
    """
    shutil.copytree(ROOT / "notebooks", folder / "book" / "notebooks")
    # pictures that the text shows; the server refuses what a link leads to
    shutil.copytree(ROOT / "assets" / "figures", folder / "book" / "assets" / "figures")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", app, "--no-browser", "--allow-root"),
        *(f"--port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"),
        *("--IdentityProvider.token=", f"--ServerApp.root_dir={folder / 'book'}"),
        f"--{'LabApp' if app == 'jupyterlab' else 'JupyterNotebookApp'}.expose_app_in_browser=True",
    ]
    # nothing of the user's own settings, and none of ours left with the user
    private = {
        name: str(folder / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR",
                     "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
    }  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen(
            command, env=os.environ | private, stdout=log, stderr=log, cwd=folder
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"{address}/api", timeout=5).close()
                    break
                assert server.poll() is None, (folder / "lab.log").read_text()
                assert time.monotonic() < deadline, "JupyterLab did not start"
                time.sleep(0.2)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


@contextlib.contextmanager
def launched() -> Iterator[Any]:
    """A browser; there can be only one at a time in a process."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(name: str, folder: Path):
    """A notebook open in the browser, its kernel ready; ``folder`` is for temporary files."""
    with jupyterlab(folder) as address, launched() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{address}/lab/tree/notebooks/{name}.ipynb?reset")
        page.wait_for_function(KERNEL_IDLE)
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        yield page


def run_all(page) -> list[dict]:
    """Choose Run > Run All Cells, wait for the last cell or the first error; all code cells."""
    # without old numbers one can see which cells are done
    page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(DONE)
    page.wait_for_function(KERNEL_IDLE)
    return page.evaluate(CODE_CELLS)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome found on this machine")
def test_the_start_page_opens_runs_and_its_slider_moves(tmp_path):
    with opened(START, tmp_path) as page:
        assert page.locator(".jp-Dialog").count() == 0  # nothing asks the newcomer anything
        shown = page.evaluate(CODE_CELLS)
        assert any("image/png" in o.get("data", {}) for cell in shown for o in cell["outputs"])

        cells = run_all(page)
        errors = [o for cell in cells for o in cell["outputs"] if o["output_type"] == "error"]
        assert errors == []

        assert page.evaluate(SHOW_SLIDER) >= 0, "the page shows no widget"
        # an image that JupyterLab fails to show is a box with a JavaScript error, and no <img>
        lab = page.locator(".widget-vbox:has(.noUi-handle):has(img.widget-image)").first
        image = lab.locator("img.widget-image").element_handle()
        handle, track = (lab.locator(part).first for part in (".noUi-handle", ".noUi-target"))
        handle.scroll_into_view_if_needed()
        source, before = image.get_attribute("src"), image.evaluate(PICTURE)
        assert before.startswith("89504e47")  # a PNG file

        knob, rail = handle.bounding_box(), track.bounding_box()
        y = knob["y"] + knob["height"] / 2
        page.mouse.move(knob["x"] + knob["width"] / 2, y)
        page.mouse.down()
        page.mouse.move(rail["x"] + 0.7 * rail["width"], y, steps=8)
        page.mouse.up()
        page.wait_for_function("([image, src]) => image.src !== src", arg=[image, source])
        assert image.evaluate(PICTURE) != before


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder, opened(sys.argv[1], Path(folder)) as page:
        page.set_viewport_size({"width": 1400, "height": 4000})
        run_all(page)
        page.screenshot(path=sys.argv[2])
