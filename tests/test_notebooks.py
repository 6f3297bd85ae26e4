"""The notebooks run from the first cell to the last, keep no output, and hold no logic of their own."""

import ast
import io
import json
import os

import nbformat
import pandas as pd
import pytest
from commands import call_inside
from conftest import ROOT
from nbclient import NotebookClient

from gridgeo.readers import bundled_plan_path

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LOGIC = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.Try, ast.Lambda, ast.ListComp, ast.DictComp)


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def run(path):
    notebook = nbformat.read(path, as_version=4)
    environment = {**os.environ, "GRIDGEO_LANG": "en", "PYTHONPATH": str(ROOT)}
    # Streamlit, imported by another test of this process, sets a back end that shows no pictures in a notebook.
    environment.pop("MPLBACKEND", None)
    client = NotebookClient(notebook, timeout=None, resources={"metadata": {"path": str(path.parent)}})
    client.execute(env=environment)
    return notebook


def test_there_are_the_four_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["01_partition", "02_coverage_and_gaps", "03_what_if", "04_programmes"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_no_output_and_holds_no_logic(path):
    for cell in code_cells(path):
        assert cell.outputs == []
        assert cell.execution_count is None
        found = [type(node).__name__ for node in ast.walk(ast.parse(cell.source)) if isinstance(node, LOGIC)]
        assert found == []


@pytest.mark.parametrize("path", NOTEBOOKS[:2], ids=lambda path: path.stem)
def test_a_notebook_runs(path):
    done = run(path)
    pictures = [
        output for cell in done.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert len(pictures) >= 2


def test_what_if_gives_the_table_of_the_command_line():
    done = run(NOTEBOOKS[2])
    printed = [
        output.text for cell in done.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    ]
    (table,) = [each for each in printed if each.startswith("scenario,")]
    mine = pd.read_csv(io.StringIO(table))
    moved = ROOT / "docs" / "scenarios" / "post_moved.toml"
    ran = call_inside("compare", bundled_plan_path("qinghuayuan"), moved, "--json")
    told = pd.DataFrame(json.loads(ran.stdout)["figures"], columns=mine.columns)
    pd.testing.assert_frame_equal(mine, told.astype(mine.dtypes), check_exact=True)
    assert mine["change"].max() > 0
    pictures = [
        output for cell in done.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert len(pictures) >= 2


def test_programmes_give_the_table_of_the_documents():
    done = run(NOTEBOOKS[3])
    printed = [
        output.text for cell in done.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    ]
    (table,) = [pd.DataFrame(json.loads(each)) for each in printed if each.startswith("[{")]
    page = (ROOT / "docs" / "programmes" / "gutang.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert [row[1] for row in rows] == table["name"].tolist()
    assert [row[4] for row in rows] == table["value"].astype("str").tolist()
    assert [row[7] for row in rows] == table["sentence"].tolist()
    pictures = [
        output for cell in done.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 4
