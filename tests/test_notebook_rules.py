"""A planted failure for every rule in notebook_rules.py: a check that cannot fail is no check."""

import jupytext
import notebook_rules as rules
import pytest
import refresh
from nbformat import v4

SCRIPT = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 - Add numbers
#
# You will add. It takes about 20 minutes.

# %% [markdown]
# ## What you will be able to do
#
# - add two numbers (Exercise 2.1)
# - add three numbers, and explain the result to
#   somebody else (Exercises 2.1 and 2.2)
#
# ## The sum
#
# $$ f(1.5) = a + b \\tag{2.1} $$
#
# By (2.1) it is easy. See [the script](source/02_add_numbers.py) and `f[x](y)`.

# %%
print(1 + 1)  # (2.1)

# %% tags=["nbval-ignore-output"]
train = print
train("half; full")

# %% [markdown]
# ### Exercise 2.1
# Add.
#
# ### Exercise 2.2
# Add again.
"""


@pytest.fixture
def book(tmp_path):
    """A folder with one good chapter in it, its script and its notebook."""
    script = tmp_path / "notebooks" / "source" / "02_add_numbers.py"
    script.parent.mkdir(parents=True)
    script.write_text(SCRIPT, encoding="utf-8")
    path = rules.notebook_of(script)
    notebook = refresh.from_script(script)
    for number, cell in enumerate(rules.code_cells(notebook), start=1):
        cell.execution_count = number
        cell.outputs = [v4.new_output("stream", text="2\n")]
    refresh.clean(notebook)
    refresh.write_whole(notebook, path)
    return path


@pytest.fixture
def notebook(book):
    return rules.read(book)


def first_code(notebook):
    return rules.code_cells(notebook)[0]


def spoil_code(code):
    def spoil(notebook):
        first_code(notebook).source = code

    return spoil


def spoil_output(output):
    def spoil(notebook):
        first_code(notebook).outputs = [output]

    return spoil


def spoil_tags(number, tags, code=None):
    def spoil(notebook):
        cell = rules.code_cells(notebook)[number]
        cell.metadata["tags"] = tags
        if code:
            cell.source = code

    return spoil


def not_run(notebook):
    for cell in rules.code_cells(notebook):
        cell.execution_count = None


def run_out_of_order(notebook):
    for cell, count in zip(rules.code_cells(notebook), (2, 1), strict=True):
        cell.execution_count = count


def many_ignored(notebook):
    notebook.cells += [
        v4.new_code_cell("versions()", metadata={"tags": ["nbval-ignore-output"]})
        for _ in range(rules.MOST_IGNORED_CELLS)
    ]


def widget_state(notebook):
    notebook.metadata["widgets"] = {}


def private_kernel(notebook):
    notebook.metadata["kernelspec"]["name"] = "my-env"


def timestamps(notebook):
    notebook.cells[0].metadata["execution"] = {"iopub.status.busy": "2026-01-01"}


def edited_prose(notebook):
    notebook.cells[0].source += " Really."


def text(data):
    return v4.new_output("display_data", data={"text/plain": data})


PLANTED = [
    (rules.executed_in_one_go, not_run),
    (rules.executed_in_one_go, run_out_of_order),
    (rules.no_widget_state, widget_state),
    (rules.no_widget_state, spoil_output(v4.new_output("display_data", {rules.WIDGET_VIEW: {}}))),
    (rules.no_long_cells, spoil_code("x = 1\n" * (rules.LONGEST_CELL + 1))),
    (rules.no_trailing_semicolons, spoil_code("plot(x);")),
    (rules.no_trailing_semicolons, spoil_code("plot(x);  # the curve\ny = 1")),
    (rules.no_banned_code, spoil_code("interact(f, x=3)")),
    (rules.no_banned_code, spoil_code("widgets.interactive_output(f, {})")),
    (rules.no_banned_code, spoil_code("out = widgets.Output()")),
    (rules.no_banned_code, spoil_code("from tqdm import trange")),
    (rules.no_banned_code, spoil_code("!pip install torch")),
    (rules.no_banned_code, spoil_code("x = 1\n%pip install torch")),
    (rules.no_banned_code, spoil_code("!ls")),
    (rules.no_banned_code, spoil_code("# NBVAL_IGNORE_OUTPUT\nprint(1)")),
    (rules.no_errors, spoil_output(v4.new_output("error", ename="ValueError", evalue="no"))),
    (rules.outputs_belong_to_the_code, spoil_code("print(1 + 2)")),
    (rules.outputs_belong_to_the_code, lambda notebook: notebook.metadata.pop("lsgan")),
    (rules.tags_are_sparing, spoil_tags(0, ["nbval-ignore-output"])),
    (rules.tags_are_sparing, spoil_tags(1, ["nbval-ignore-output"], "print('trained')")),
    (rules.tags_are_sparing, spoil_tags(0, ["nbval-skip"])),
    (rules.tags_are_sparing, spoil_tags(0, ["raises-exception"])),
    (rules.tags_are_sparing, many_ignored),
    (rules.no_machine_paths, spoil_output(text("PosixPath('/home/me/book')"))),
    (rules.no_machine_paths, spoil_output(text("/tmp/ipykernel_12/3.py:1: UserWarning"))),
    (rules.no_machine_paths, spoil_output(text(r"C:\\Users\\me\\book"))),
    (rules.no_machine_paths, spoil_output(v4.new_output("stream", text="at /root/x.py"))),
    (rules.no_unstable_metadata, private_kernel),
    (rules.no_unstable_metadata, timestamps),
    (rules.no_unstable_metadata, edited_prose),
]


@pytest.mark.parametrize(("rule", "plant"), PLANTED, ids=lambda value: value.__name__)
def test_a_planted_failure_is_found(notebook, rule, plant):
    assert rule(notebook) == []
    plant(notebook)
    assert rule(notebook) != []


def test_every_rule_has_a_planted_failure():
    assert {rule for rule, _ in PLANTED} == set(rules.RULES)


def test_what_is_allowed_stays_allowed(notebook):
    """Rules that cry wolf get switched off."""
    first_code(notebook).source = (
        "%matplotlib inline\na = 'x;y'; b = 2\ninteraction(a)\noutput(b)  # Output of D;\n"
        "style = '''\ncolor: red;\n'''"
    )
    assert rules.no_trailing_semicolons(notebook) == []
    assert rules.no_banned_code(notebook) == []
    first_code(notebook).outputs = [text("see ../work/run or https://x.org/home/me, 1/tmp")]
    assert rules.no_machine_paths(notebook) == []


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("run = train(recipe, images)", True),
        ("trainer.train_until(10)", True),
        ("lsgan_lib.training.resume(folder)", True),
        ("loss.backward()\noptimiser.step()", True),
        ("versions()", True),
        ("ready = check_environment()", True),
        ("# train()\nprint('train()')", False),
        ("loss.backward()", False),
        ("%matplotlib inline\nplot(trained)", False),
    ],
)
def test_what_counts_as_training(code, allowed):
    assert rules.may_differ(code) == allowed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("print(1 + 1)", "print(1 + 2)"),
        ("By (2.1)", "By equation (2.1)"),
        ("nbval-ignore-output", "hide-input"),
        ("# %% [markdown]\n# ### Exercise 2.1", "# %%\nx = 1\n# %% [markdown]\n# ### Exercise 2.1"),
    ],
)
def test_a_pair_that_differs_is_found(book, before, after):
    assert rules.pair_agrees(book) == []
    script = rules.script_of(book)
    assert before in SCRIPT
    script.write_text(SCRIPT.replace(before, after), encoding="utf-8")
    assert rules.pair_agrees(book) != []
    script.unlink()
    assert rules.pair_agrees(book) != []


def test_a_large_file_is_found(book):
    assert rules.small_enough(book) == []
    book.write_bytes(b" " * (rules.LARGEST_FILE + 1))
    assert rules.small_enough(book) != []


@pytest.mark.parametrize(
    ("markdown", "good"),
    [
        ("[a](here.md)", True),
        ("[a](here.md#part) ![b](pictures/a%20b.png 'title')", True),
        ("[a](https://example.org/x) [b](#below) [c](mailto:a@b.c)", True),
        ("`f[i](x)` and $E[f](x)$ and $$[D](G)$$", True),
        ("```\n[a](nowhere.md)\n```", True),
        ("[a](nowhere.md)", False),
        ("![a](pictures/none.png)", False),
        ('<img src="none.png" width="3">', False),
        ("<a href='none.md'>a</a>", False),
        ("[a]: none.md", False),
        ("[a](/here.md)", False),
    ],
)
def test_links(tmp_path, markdown, good):
    (tmp_path / "here.md").touch()
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a b.png").touch()
    assert (rules.links_exist(markdown, tmp_path) == []) == good


def with_prose(markdown, code="x = 1"):
    return v4.new_notebook(cells=[v4.new_markdown_cell(markdown), v4.new_code_cell(code)])


TAGGED = r"$$ y \tag{2.1} $$"


@pytest.mark.parametrize(
    ("markdown", "code", "good"),
    [
        (TAGGED + " by (2.1), from $x=(1.5)$ and (0.5) and `f(3.3)`", "# (2.1)\nf(7.5)", True),
        (TAGGED + " by (2.2)", "", False),
        (TAGGED + " by (3.1)", "", False),
        (TAGGED, "x = 1  # (2.3)", False),
        (TAGGED + TAGGED, "", False),
        (r"$$ y \tag{4.1} $$", "", False),
    ],
)
def test_equation_numbers(markdown, code, good):
    chapters = {"02_x.ipynb": with_prose(markdown, code), "02_solutions.ipynb": with_prose("")}
    assert (rules.equations_agree(chapters) == []) == good


def test_solutions_and_other_chapters_may_name_a_chapters_equation():
    named = {
        "02_x.ipynb": with_prose(TAGGED),
        "02_solutions.ipynb": with_prose("from (2.1)"),
        "04_y.ipynb": with_prose("as (2.1) says"),
    }
    assert rules.equations_agree(named) == []
    named["02_solutions.ipynb"] = with_prose(TAGGED)
    assert rules.equations_agree(named) != []


@pytest.mark.parametrize(
    ("asked", "solved", "good"),
    [
        ("2.1 2.2", "2.1 2.2", True),
        ("", "", True),
        ("2.1 2.2", "2.1", False),
        ("2.1", "2.1 2.2", False),
        ("2.1 2.2", "2.2 2.1", False),
        ("2.1 2.1", "2.1 2.1", False),
        ("4.1", "4.1", False),
    ],
)
def test_exercises_and_solutions(asked, solved, good):
    chapter = with_prose("\n".join(f"### Exercise {k} - try\n" for k in asked.split()))
    solutions = with_prose("\n".join(f"### Solution {k}\n" for k in solved.split()))
    assert (rules.exercises_have_solutions(chapter, solutions, "2") == []) == good


def test_exercises_without_a_solutions_notebook_are_found():
    assert rules.exercises_have_solutions(with_prose("### Exercise 2.1"), None, "2") != []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (" (Exercise 2.1)", ""),
        ("(Exercises 2.1 and 2.2)", "(Exercises 2.1 and 2.9)"),
        ("What you will be able to do", "Goals"),
        ("### Exercise 2.2", "### More"),
    ],
)
def test_goals(book, before, after):
    assert rules.goals_name_exercises(rules.read(book)) == []
    assert before in SCRIPT
    spoiled = jupytext.reads(SCRIPT.replace(before, after), fmt="py:percent")
    assert rules.goals_name_exercises(spoiled) != []


ROW = "| [02 Add numbers](notebooks/02_add_numbers.ipynb) | 20 | add |\n"


@pytest.mark.parametrize(
    ("readme", "good"),
    [
        (ROW, True),
        ("", False),
        (ROW.replace("| 20 |", "| 30 |"), False),
        (ROW + ROW, False),
        (ROW + ROW.replace("02_add", "03_add"), False),
    ],
)
def test_readme_table(notebook, readme, good):
    readme = "| chapter | minutes | what you can do |\n|---|---|---|\n" + readme
    assert (rules.table_agrees(readme, {"02_add_numbers.ipynb": notebook}) == []) == good


def test_a_first_cell_without_minutes_is_found(notebook):
    notebook.cells[0].source = "# 02"
    assert rules.table_agrees(ROW, {"02_add_numbers.ipynb": notebook}) != []
