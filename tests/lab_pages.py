"""Labs on a page of JupyterLab in a real browser: found, used control by control, watched.

A lab here is an output of a cell that is a widget with a picture in it. Nothing is asked of how it
was made: its controls are found in the page, as a reader finds them. `use` moves every slider,
presses every button, chooses in every list, ticks every box, types into every field, drags on every
pad and moves on it by keys, gives every upload a picture, and tells what did not answer. An answer
is another picture, or for all but sliders other words of the lab.
"""

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from PIL import Image
from test_jupyterlab import CODE_CELLS, DONE, KERNEL_IDLE, PATIENCE, jupyterlab

HARMLESS: dict[str, str] = {
    r".*Cannot read properties of undefined \(reading 'schema'\).*/notebook_core\..*":
        "Notebook 7.6 tells its shortcuts of other settings before it has loaded their own",
}  # fmt: skip
"""What the console may say: a regular expression of the whole message, and why it is no fault."""

SILENT: dict[str, str] = {
    "turns at a time": "of the live lab: says how far the next press of a button goes",
    "slope of the cost": "of the cone drawer: acts only where a hinge is at rest",
    **dict.fromkeys(
        ("critic's turns a round", "points a turn", "critic's rate", "generator's rate"),
        "of the live lab, which starts again: before the first turn all games look the same",
    ),
}
"""Controls, by their words, that may leave picture and words as they are, and why."""

KEYS = ("ArrowRight", "ArrowDown", "Enter", "ArrowLeft", "ArrowUp", " ", "Delete")
MOST_CONTROLS = 120  # in one lab; more come from a lab that makes new ones without end

# The kernel's own complaints: what a widget's listener raises reaches no cell, only this stream.
LISTEN = """() => {
    window.kernelTrouble = []
    window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.iopubMessage.connect(
        (_, message) => {
            const type = message.header.msg_type
            if (type === "error") window.kernelTrouble.push(message.content.traceback.join("\\n"))
            if (type === "stream" && message.content.name === "stderr")
                window.kernelTrouble.push(message.content.text)
        })
}"""
FIND_LABS = """() => {
    const view = "application/vnd.jupyter.widget-view+json"
    const found = []
    window.jupyterapp.shell.currentWidget.content.widgets.forEach((cell, index) => {
        if (cell.model.type !== "code") return
        cell.model.outputs.toJSON().forEach((output, place) => {
            if (output.data?.[view])
                found.push({cell: index, output: place, source: cell.model.sharedModel.source})
        })
    })
    return found
}"""
# Scroll to the cell and mark the node of the output.
MARK = """async ([index, place]) => {
    const notebook = window.jupyterapp.shell.currentWidget.content
    await notebook.scrollToItem(index, "start")
    const cell = notebook.widgets[index]
    const node = cell.outputArea.widgets[place].node
    node.dataset.lab = `${index}-${place}`
    node.scrollIntoView({block: "start"})
}"""
# The next control that nobody used, can be seen and is enabled; marked as used.
NEXT = """lab => {
    const TAB = ".lm-TabBar-tab"
    const controls = ".noUi-target, select, input, textarea, button, img.lsgan-pad"
    // another tab only when all in front is used
    for (const one of [...lab.querySelectorAll(controls), ...lab.querySelectorAll(TAB)]) {
        if (one.dataset.used || !one.getClientRects().length) continue
        if (one.disabled || one.hasAttribute("disabled")) continue
        if (getComputedStyle(one).visibility === "hidden") continue
        one.dataset.used = "yes"
        const box = one.closest(".widget-inline-hbox, .widget-inline-vbox, .jupyter-widgets")
        const words = one.matches(TAB) ? one.innerText.trim()
                    : one.tagName === "IMG" ? one.alt.slice(0, 60)
                    : one.tagName === "BUTTON" ? one.innerText.trim() || one.title
                    : one.type === "checkbox" ? box.innerText.replace("\u200b", "").trim()
                    : box?.querySelector(".widget-label, label")?.innerText.trim()
        let kind = one.tagName.toLowerCase()
        if (one.classList.contains("noUi-target")) kind = "slider"
        if (one.matches(TAB)) kind = "tab"
        if (one.classList.contains("widget-upload")) kind = "upload"
        if (kind === "img") kind = "pad"
        if (kind === "input")
            kind = ["checkbox", "radio"].includes(one.type) ? "button" : one.type
        one.dataset.now = "yes"
        lab.querySelectorAll("[data-now]").forEach(
            old => { if (old !== one) delete old.dataset.now })
        return {kind, words: words || ""}
    }
    return null
}"""
# Digests of all pictures of a lab, and its words without the numbers beside its sliders.
LOOK = """async lab => {
    window.digests ??= new Map()
    const digest = async image => {
        if (digests.has(image.src)) return digests.get(image.src)
        try {
            const bytes = await (await fetch(image.src)).arrayBuffer()
            const sum = await crypto.subtle.digest("SHA-256", bytes)
            const short = Array.from(new Uint8Array(sum).slice(0, 12), b => b.toString(16)).join("")
            digests.set(image.src, short)
            return short
        } catch { return "changing" }  // its address was withdrawn: the next picture is there
    }
    const images = [...lab.querySelectorAll("img")]
    const pictures = await Promise.all(images.map(digest))
    const words = [...lab.querySelectorAll(".widget-html, .widget-label, button, option")]
        .filter(one => !one.closest(".widget-slider")).map(one => one.textContent)
    const chosen = [...lab.querySelectorAll("input, button")].map(one => one.disabled)
    return {pictures: pictures.join(), words: JSON.stringify([words, chosen])}
}"""
# What changed of a lab within some milliseconds, after it has come to rest: picture, words or both.
# Rest is two looks alike while the kernel has nothing to do; a lab that plays never comes to it.
WAIT = f"""async (lab, [before, words, limit]) => {{
    const look = {LOOK}
    const idle = {KERNEL_IDLE}
    const pause = ms => new Promise(done => setTimeout(done, ms))
    const begun = performance.now()
    const same = (a, b) => a.pictures === b.pictures && a.words === b.words
    let now = await look(lab)
    while (now.pictures === before.pictures && !(words && now.words !== before.words)) {{
        if (performance.now() - begun > limit) break
        await pause(20)
        now = await look(lab)
    }}
    const answered = performance.now()
    for (let rests = false; !rests && performance.now() - answered < 1500;) {{
        await pause(80)
        const last = now
        now = await look(lab)
        rests = same(now, last) && idle()
    }}
    return {{pictures: now.pictures !== before.pictures, words: now.words !== before.words}}
}}"""
BROKEN = """lab => {
    if (!lab.querySelector(".jupyter-widgets")) return "no widget: " + lab.innerText.slice(0, 300)
    if (/Error displaying widget|Error creating widget|Javascript Error|Failed to load model/i
        .test(lab.innerText)) return lab.innerText.slice(0, 300)
    for (const image of lab.querySelectorAll("img"))
        if (image.complete && !image.naturalWidth) return "a picture that the browser cannot show"
    return lab.querySelector("img") ? "" : "no picture"
}"""

# Boxes whose content is wider than they are.
TOO_WIDE = """lab => {
    const boxes = [lab, ...lab.querySelectorAll(".widget-box, .jupyter-widgets")]
        .filter(box => box.getClientRects().length && !box.matches(".widget-slider *, select"))
    const edge = lab.getBoundingClientRect().right
    return boxes.filter(box => box.matches(".widget-box") && box.scrollWidth > box.clientWidth + 8
                            || box.getBoundingClientRect().right > edge + 8)
        .map(box => `${box.className} ${box.scrollWidth} > ${box.clientWidth} px: `
                    + box.innerText.slice(0, 60))
}"""
# Words whose colour is too near to what is behind them: a contrast below 3, the least that WCAG 2
# allows for any text. Buttons have the colours that ipywidgets gives them.
FAINT = """lab => {
    const parts = text => (text.match(/[\\d.]+/g) ?? []).map(Number)
    const light = text => parts(text).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
    const behind = one => {
        for (; one; one = one.parentElement) {
            const colour = getComputedStyle(one).backgroundColor, p = parts(colour)
            if (p.length === 3 || p[3] > 0.5) return colour
        }
        return "rgb(255, 255, 255)"
    }
    const faint = []
    for (const one of lab.querySelectorAll("*")) {
        const own = [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())
        if (!own || !one.getClientRects().length || one.closest("button, option")) continue
        const [a, b] = [getComputedStyle(one).color, behind(one)]
        const [low, high] = [light(a), light(b)].sort((x, y) => x - y)
        const ratio = (high + 0.05) / (low + 0.05)
        if (ratio < 3)
            faint.push(`"${one.textContent.trim().slice(0, 40)}" ${a} on ${b}: ${ratio.toFixed(1)}`)
    }
    return faint
}"""


@dataclass
class Chapter:
    """A notebook open in a tab of its own, and all that goes wrong in it."""

    page: Any
    name: str
    trouble: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Run > Run All Cells, without waiting for the end."""
        self.page.evaluate(LISTEN)
        # without old numbers one can see which cells are done
        self.command("notebook:clear-all-cell-outputs")
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def finish(self) -> None:
        """Wait for the last cell, or the first error, which is trouble."""
        self.page.bring_to_front()
        self.page.wait_for_function(DONE)
        self.page.wait_for_function(KERNEL_IDLE)
        # what a cell wrote to stderr stands in the cell, and is nbval's to judge
        self.page.evaluate("window.kernelTrouble.length = 0")
        for cell in self.page.evaluate(CODE_CELLS):
            for output in cell["outputs"]:
                if output["output_type"] == "error":
                    self.trouble.append(plain(f"error cell: {output['ename']} {output['evalue']}"))
        self.note_errors()

    def note_errors(self, lab: object = "") -> None:
        """Add what the kernel and the console complained of since to the trouble."""
        told = self.page.evaluate("window.kernelTrouble.splice(0)")
        told += self.console
        self.console.clear()
        self.trouble += [f"{lab} {plain(text)}".strip() for text in told if text.strip()]

    def command(self, name: str, **arguments: Any) -> None:
        """Have JupyterLab do one of its commands."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)",
            [name, arguments],
        )

    def labs(self) -> list["LabOnPage"]:
        """All labs of the page, in order."""
        return [LabOnPage(self, **found) for found in self.page.evaluate(FIND_LABS)]

    def theme(self, name: str) -> None:
        """Put the page into another theme."""
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        # JupyterLab shows its splash screen meanwhile, and takes it away 0.2 s later: two changes
        # within that time take it away twice, the second time with an error (seen in 4.6).
        self.page.wait_for_function("!document.getElementById('jupyterlab-splash')")

    def ask(self, expression: str) -> str:
        """What the kernel says that a Python expression is worth, without a trace in the page."""
        reply = self.page.evaluate(
            """expression => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
                .requestExecute({code: "", silent: true, user_expressions: {it: expression}})
                .done.then(reply => reply.content.user_expressions.it)""",
            expression,
        )
        assert reply["status"] == "ok", reply
        return reply["data"]["text/plain"]

    def restart(self) -> None:
        """Restart the kernel; what it says of its own start is not heard."""
        self.page.evaluate(
            "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
        )
        self.page.wait_for_function(KERNEL_IDLE)
        self.ask("0")
        self.page.evaluate("window.kernelTrouble.length = 0")

    def close(self) -> None:
        """Close the tab, and end its kernel."""
        self.page.evaluate(
            "window.jupyterapp.shell.currentWidget.sessionContext.shutdown().then(() => null)"
        )
        self.page.close()


@dataclass
class LabOnPage:
    """One lab of a chapter."""

    chapter: Chapter
    cell: int
    output: int
    source: str
    patience: ClassVar[float] = 1.0
    """multiplies all times that an answer may take"""
    hurry: bool = False
    """nobody expects an answer now"""

    def __str__(self) -> str:
        return f"{self.chapter.name}, cell {self.cell}: {self.source.strip().splitlines()[-1]}"

    def bring(self) -> Any:
        """Scroll there; returns its place in the page."""
        page = self.chapter.page
        page.evaluate(MARK, [self.cell, self.output])
        lab = page.locator(f'[data-lab="{self.cell}-{self.output}"]')
        with contextlib.suppress(Exception):  # `use` says what is there instead
            lab.locator("img").first.wait_for(timeout=20_000 * self.patience)
        return lab

    def use(self, picture: Path, controls: int | None = None) -> list[str]:
        """Use every control once; what was used, in order. Faults go to the chapter's trouble.

        picture: a file for uploads. controls: how many, from the top; all if not given.
        """
        lab = self.bring()
        broken = lab.evaluate(BROKEN)
        if broken:
            self.complain(broken)
        used = []
        first = lab.evaluate(LOOK)["pictures"]
        changed = False
        while len(used) != controls and (found := lab.evaluate(NEXT)):
            control = lab.locator("[data-now]").first
            kind, words = found["kind"], found["words"]
            used.append(f"{kind} {words}".strip())
            if len(used) > MOST_CONTROLS:
                self.complain(f"more than {MOST_CONTROLS} controls")
                break
            before = lab.evaluate(LOOK)
            self.hurry = words in SILENT
            answers = self._do(kind, control, lab, before, picture, len(used))
            changed = changed or lab.evaluate(LOOK)["pictures"] != first
            if not answers and words not in SILENT:
                self.complain(f"{kind} “{words}” changes nothing")
            self.chapter.note_errors(self)
        if not changed:
            self.complain("its picture never changed")
        broken = lab.evaluate(BROKEN)
        if broken:
            self.complain(f"in the end {broken}")
        return used

    def read(self, theme: str) -> None:
        """Whether all its words can be read, and nothing is cut off on the right."""
        lab = self.bring()
        for words in lab.evaluate(FAINT):
            self.complain(f"cannot be read in the theme {theme}: {words}")
        for box in lab.evaluate(TOO_WIDE):
            width = self.chapter.page.viewport_size["width"]
            self.complain(f"too wide for a window of {width} pixels: {box}")

    def complain(self, what: str) -> None:
        self.chapter.trouble.append(f"{self}: {what}")

    def _do(
        self, kind: str, control: Any, lab: Any, before: dict[str, str], file: Path, turn: int
    ) -> bool:
        """Do what a reader does with such a control; whether the lab answered."""
        control.scroll_into_view_if_needed()
        page = self.chapter.page
        match kind:
            case "slider":
                return self._slide(control, lab, before, turn)
            case "pad":
                if not self._drag(control, lab, before):
                    # such as a drawing that says when one may draw
                    return lab.evaluate(LOOK)["words"] != before["words"]
                before = lab.evaluate(LOOK)
                control.focus()
                answered = False
                for key in KEYS:
                    page.keyboard.press(key)
                    # one at a time: two opposite arrows together may change nothing
                    answered = answered or self.answers(lab, before, seconds=1)
                self.answers(lab, before, seconds=0)
                if not answered:
                    self.complain("a pad that does not answer to keys")
                return True
            case "select":
                options = control.evaluate("one => one.options.length")
                if options < 2:
                    return True
                now = control.evaluate("one => one.selectedIndex")
                control.select_option(index=(now + 1) % options)
            case "tab":
                control.click()
                return True
            case "upload":
                with page.expect_file_chooser() as chooser:
                    control.click()
                chooser.value.set_files(str(file))
            case "button":
                pressed = control.evaluate(
                    "one => one.checked || ['mod-active', 'lm-mod-current']"
                    ".some(name => one.classList.contains(name))"  # a tab that is open
                )
                control.click()
                if pressed and control.evaluate("one => one.type !== 'checkbox'"):
                    return True  # what was chosen already changes nothing
                if self.answers(lab, before, seconds=4):
                    return True
                control.click()  # an answer that tells the time may be the last one's again
            case "number":
                control.press("ArrowUp")
                control.press("Enter")
                if self.answers(lab, before, seconds=3):
                    return True
                control.press("ArrowDown")
                control.press("ArrowDown")
                control.press("Enter")
            case _:  # another text, and then what stood there
                text = control.input_value()
                control.fill("0.5")
                control.press("Enter")
                answers = self.answers(lab, before)
                control.fill(text)
                control.press("Enter")
                return answers
        return self.answers(lab, before)

    def _slide(self, control: Any, lab: Any, before: dict[str, str], turn: int) -> bool:
        """Drag each of its handles to several places until the picture changes."""
        mouse = self.chapter.page.mouse
        # others each time: two sliders at the same place may mean something special
        places = [(0.37 * turn + part) % 0.9 + 0.05 for part in (0, 0.4, 0.65, 0.15)]
        for handle in control.locator(".noUi-handle").all():
            for part in places:
                knob, rail = handle.bounding_box(), control.bounding_box()
                across = rail["width"] >= rail["height"]
                x, y = (knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2)
                mouse.move(x, y)
                mouse.down()
                if across:
                    mouse.move(rail["x"] + part * rail["width"], y, steps=5)
                else:
                    mouse.move(x, rail["y"] + part * rail["height"], steps=5)
                mouse.up()
                if self.answers(lab, before, words=False, seconds=3):
                    break
            else:
                return False
            before = lab.evaluate(LOOK)
        return True

    def _drag(self, control: Any, lab: Any, before: dict[str, str]) -> bool:
        """Press, drag and release at several places until the picture changes."""
        spoke = False  # a lab that says something instead is not waited for as long
        mouse = self.chapter.page.mouse
        box = control.bounding_box()
        for x, y, to_x, to_y in (
            *((0.3, 0.4, 0.6, 0.7), (0.1, 0.85, 0.2, 0.3)),
            *((0.8, 0.2, 0.7, 0.25), (0.5, 0.5, 0.9, 0.9)),
        ):
            mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            mouse.down()
            mouse.move(box["x"] + to_x * box["width"], box["y"] + to_y * box["height"], steps=8)
            mouse.up()
            if self.answers(lab, before, words=not spoke, seconds=0.5 if spoke else 3):
                if lab.evaluate(LOOK)["pictures"] != before["pictures"]:
                    return True
                spoke = True
        return False

    def answers(
        self, lab: Any, before: dict[str, str], *, words: bool = True, seconds: float = 8
    ) -> bool:
        """Whether the picture, or the words if they count, become others within some seconds."""
        limit = 800 if self.hurry else 1000 * seconds * self.patience
        new = lab.evaluate(WAIT, [before, words, limit])
        return new["pictures"] or (words and new["words"])


def plain(text: str) -> str:
    """Without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)[-2_000:]


class Book:
    """One JupyterLab and one browser, in which several notebooks are open at a time."""

    def __init__(self, browser: Any, address: str, folder: Path, app: str) -> None:
        self.address, self.folder, self.app = address, folder, app
        # One context, and a first request in it: of two first requests at a time one may be
        # refused (403), as each is given a token of its own.
        self.context = browser.new_context(viewport={"width": 1400, "height": 1000})
        self.context.request.get(f"{address}/api")
        self.notebooks = folder / "book" / "notebooks"
        self.picture = folder / "upload.png"
        file = io.BytesIO()
        Image.radial_gradient("L").resize((90, 70)).convert("RGB").save(file, format="png")
        self.picture.write_bytes(file.getvalue())

    def open(self, name: str) -> Chapter:
        """Open a notebook; its kernel is ready then."""
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        chapter = Chapter(page, name)
        page.on("console", lambda message: note_console(chapter, message))
        page.on("pageerror", lambda error: note_script(chapter, error))
        # in JupyterLab a workspace of its own: two tabs with one workspace fight over it
        to = f"lab/workspaces/{name}/tree" if self.app == "jupyterlab" else "notebooks"
        page.goto(f"{self.address}/{to}/notebooks/{name}.ipynb?reset")
        page.wait_for_function(KERNEL_IDLE)
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        return chapter


def note_console(chapter: Chapter, message: Any) -> None:
    """Keep an error that the page has printed."""
    if message.type == "error":
        at = message.location.get("url", "")
        note(chapter, f"console error: {message.text[:500]} ({at})")


def note_script(chapter: Chapter, error: Any) -> None:
    """Keep what a script died of, with the first of the lines that led to it."""
    lines = (error.stack or str(error)).splitlines()[:12]
    note(chapter, "page error: " + "\n".join(lines))


def note(chapter: Chapter, told: str) -> None:
    """Keep it for the chapter's trouble, unless it is known to be harmless."""
    if not any(re.fullmatch(known, told, re.DOTALL) for known in HARMLESS):
        chapter.console.append(told)


@contextlib.contextmanager
def open_book(browser: Any, folder: Path, app: str = "jupyterlab") -> Iterator[Book]:
    """Start JupyterLab, or with the app "notebook" Notebook 7, for a browser."""
    with jupyterlab(folder, app) as address:
        yield Book(browser, address, folder, app)
