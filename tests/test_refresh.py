"""Making a notebook from its script: the same each time, all or nothing, and no edits lost."""

import sys

import notebook_rules as rules
import pytest
import refresh

SCRIPT = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 - Add numbers

# %% tags=["hide-input"]
import ipywidgets

ipywidgets.IntSlider(1)

# %%
print("one")
print(1 + 1)
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    path = tmp_path / "notebooks" / "source" / "02_add_numbers.py"
    path.parent.mkdir(parents=True)
    path.write_text(SCRIPT, encoding="utf-8")
    monkeypatch.setattr(refresh, "SOURCE", path.parent)
    return path


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["refresh.py", *arguments])
    return refresh.main()


@pytest.mark.slow
def test_a_refreshed_notebook_keeps_every_rule_and_comes_out_the_same(script, monkeypatch):
    path = rules.notebook_of(script)
    assert call(monkeypatch, "2") == 0
    first = path.read_bytes()
    assert [complaint for rule in rules.RULES for complaint in rule(rules.read(path))] == []
    assert rules.pair_agrees(path) == []
    assert rules.code_cells(rules.read(path))[1].outputs[0].text == "one\n2\n"
    assert call(monkeypatch, "all") == 0
    assert path.read_bytes() == first


@pytest.mark.slow
def test_a_failing_cell_is_shown_and_the_old_notebook_stays(script, monkeypatch, capsys):
    path = rules.notebook_of(script)
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(refresh, "refuse_to_lose_edits", lambda path, script: None)
    script.write_text(SCRIPT + "\n# %%\n1 / 0\n", encoding="utf-8")
    assert call(monkeypatch, "02") == 1
    said = capsys.readouterr().err
    assert "02_add_numbers, code cell 3" in said
    assert "1 / 0" in said and "ZeroDivisionError" in said
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in path.parent.iterdir() if p.is_file()] == [path.name]


def test_edits_in_the_notebook_are_not_overwritten_but_carried_over(script, monkeypatch, capsys):
    monkeypatch.setattr(refresh, "run", lambda notebook, folder, title: None)
    path = rules.notebook_of(script)
    assert call(monkeypatch, "02") == 0

    notebook = rules.read(path)
    notebook.cells[0].source += " by hand"
    refresh.write_whole(notebook, path)
    edited = path.read_bytes()
    assert call(monkeypatch, "02") == 1
    assert "edited after its last refresh" in capsys.readouterr().err
    assert path.read_bytes() == edited

    assert call(monkeypatch, "--to-script", "02") == 0
    assert script.read_text(encoding="utf-8") == SCRIPT.replace("numbers", "numbers by hand")
    assert call(monkeypatch, "02") == 0
    assert rules.pair_agrees(path) == []


def test_a_chapter_without_a_script_is_an_error(script, monkeypatch, capsys):
    assert call(monkeypatch, "99") == 1
    assert "no script matches" in capsys.readouterr().err
