"""One report, three views: command line, app and documents say the same of every rule of each of the five programmes.

Each worked example is built once, by the library, and kept in a plan file that all views read.
"""

import json
import re
from functools import cache
from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pytest
from commands import call_inside
from conftest import ROOT
from streamlit.testing.v1 import AppTest

from app.parts.widgets import plain
from app.serving import server
from app.state import environment
from app.state.folders import HOME_VARIABLE
from app.state.settings import CONFIG_VARIABLE
from gridgeo.assessment import divide_plan
from gridgeo.programmes import PROGRAMMES, read_programme
from gridgeo.readers import bundled_plan_path
from gridgeo.store import read_plan, write_plan

MAIN = server.ENTRY.with_name("main.py")
MARKS = {"met": "✓", "not_met": "✗", "unknown": "?"}
HEADS = ["number", "name", "zh", "mark", "value", "wanted", "places", "sentence", "basis", "assumed"]


def call(*arguments):
    """Ask the command line for what it prints as one object."""
    ran = call_inside(*arguments, "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """The bundled place with grids of the usual size, from which those examples start that cut none of their own."""
    path = tmp_path_factory.mktemp("ground") / "plan.gpkg"
    write_plan(divide_plan(read_plan(bundled_plan_path("qinghuayuan")))[0], path)
    return path


@pytest.fixture(scope="module", params=PROGRAMMES)
def example(request, ground, tmp_path_factory):
    programme, folder = read_programme(request.param), tmp_path_factory.mktemp(request.param)
    path = folder / "plan.gpkg"
    own_cut = any(programme.example[key] for key in ("unit", "households", "dedicated"))
    start = (path,) if own_cut else (ground, "--out", path)
    applied = call("programme", "apply", request.param, *start, "--example")
    return SimpleNamespace(name=request.param, programme=programme, path=path, folder=folder, applied=applied)


@pytest.fixture(scope="module")
def printed(example):
    """What the command line says of it; the files that it writes stand beside the plan."""
    return call("programme", "report", example.path, "--out", example.folder)


@pytest.fixture
def page(example, monkeypatch, tmp_path):
    """The page Programme of the app, on that plan file."""
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "config"))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv(environment.SIGN_IN_VARIABLE, raising=False)
    monkeypatch.setenv(environment.PLAN_VARIABLE, str(example.path))
    monkeypatch.setenv(environment.LANGUAGE_VARIABLE, "en")
    app = AppTest.from_file(MAIN, default_timeout=120)
    app._page_hash = find_page()
    return app.run()


@cache
def find_page():
    """Return the page's number, which is the same in every run: only the first opens another page to learn it."""
    pages = AppTest.from_file(MAIN, default_timeout=120).run()._registered_pages.items()
    return next(page for page, info in pages if info["url_pathname"] == "programme")


def read_document(name):
    """Return the table of rules of a programme's page in the documents."""
    page = (ROOT / "docs" / "programmes" / f"{name}.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", page, flags=re.MULTILINE)
    return pd.DataFrame([[number, *(cell.strip() for cell in rest.split("|"))] for number, rest in rows], columns=HEADS)


def test_the_example_is_marked_as_made_up(example):
    assert example.applied["rules"] == len(example.programme.rules)
    assert any("made up" in note for note in example.applied["notes"])
    plan = read_plan(example.path)
    for layer in ("people", "needs", "visits", "enterprises", "stations", "zonings"):
        assert getattr(plan, layer)["estimated"].all(), layer


def test_the_documents_say_what_the_command_line_says(example, printed):
    rules, document = pd.DataFrame(printed["rules"]), read_document(example.name)
    assert rules["rule"].tolist() == [rule.rule for rule in example.programme.rules]
    assert document["zh"].tolist() == [rule.name.zh for rule in example.programme.rules]
    for column in ("name", "value", "wanted", "sentence", "basis", "assumed"):
        assert document[column].tolist() == [cell.replace("|", "/") for cell in rules[column]]
    assert document["number"].tolist() == [str(number) for number in rules["number"]]
    assert document["places"].tolist() == [str(places) for places in rules["places"]]
    assert document["mark"].tolist() == [MARKS[state] for state in rules["state"]]
    counts = "{met} of {rules} rules are met, {not_met} are not, {unknown} cannot be said."
    page = (ROOT / "docs" / "programmes" / f"{example.name}.md").read_text(encoding="utf-8")
    assert counts.format(rules=len(rules), **printed["counts"]) in page
    assert all(f"- {note}" in page for note in printed["notes"])


def test_the_files_of_the_report_hold_the_same(example, printed):
    rules = pd.DataFrame(printed["rules"])
    written = pd.read_csv(example.folder / "rules.csv")
    assert written["number"].tolist() == rules["value"].tolist()
    assert written["places"].tolist() == rules["places"].tolist()
    layers = [gpd.read_file(example.folder / "places.gpkg", layer=name) for name in ("points", "lines", "polygons")]
    failing = pd.concat([layer["rule"] for layer in layers]).value_counts()
    wanted = rules.set_index("rule")["places"]
    assert failing.to_dict() == wanted[wanted > 0].to_dict()


def test_the_app_says_what_the_command_line_says(example, printed, page):
    assert not page.exception
    assert not page.error
    rules = pd.DataFrame(printed["rules"])
    shown = page.dataframe[0].value
    assert shown.iloc[:, 1].tolist() == rules["name"].tolist()
    assert shown.iloc[:, 0].str[0].tolist() == [MARKS[state] for state in rules["state"]]
    for column, heading in (("value", "number"), ("wanted", "wanted"), ("places", "places")):
        assert shown[heading].tolist() == rules[column].tolist()
    assert [metric.value for metric in page.metric] == [
        str(printed["counts"][s]) for s in ("met", "not_met", "unknown")
    ]
    first = rules[rules["state"] == "not_met"] if (rules["state"] == "not_met").any() else rules
    assert any(plain(first["sentence"].iloc[0]) in text.value for text in page.markdown)
