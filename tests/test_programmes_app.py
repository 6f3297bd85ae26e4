"""The programme page without a browser: it shows the report that the command line prints, and nothing of its own."""

import pytest
from streamlit.testing.v1 import AppTest
from test_programmes_rules import HEAD, draw, people

from app.parts.widgets import plain
from app.serving import server
from app.state import environment
from app.state.folders import HOME_VARIABLE
from app.state.settings import CONFIG_VARIABLE
from gridgeo.programme_report import leader_table
from gridgeo.programmes import apply_programme, judge_programme, parse_programme
from gridgeo.store import read_plan, write_plan
from gridgeo.texts import using_language

MAIN = server.ENTRY.with_name("main.py")
RULES = """
[[rule]]
rule = "near"
name = { zh = "步行可达", en = "A post within reach" }
kind = "coverage"
to = { station = "post" }
[[rule]]
rule = "grids"
name = { zh = "四个网格", en = "Four grids" }
kind = "count"
what = { level = "grid" }
number = 4
[[rule]]
rule = "wishes"
name = { zh = "心愿办结", en = "Wishes met" }
kind = "met"
least = 1
"""


@pytest.fixture
def plan(tmp_path):
    programme = parse_programme(HEAD + RULES, file="mine.toml")
    write_plan(apply_programme(draw(people=people(role=["member"])), programme), tmp_path / "plan.gpkg")
    return tmp_path / "plan.gpkg"


@pytest.fixture
def open_page(monkeypatch, tmp_path):
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "config"))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv(environment.SIGN_IN_VARIABLE, raising=False)

    def start(plan, lang="en"):
        monkeypatch.setenv(environment.PLAN_VARIABLE, str(plan))
        monkeypatch.setenv(environment.LANGUAGE_VARIABLE, lang)
        app = AppTest.from_file(MAIN, default_timeout=120).run()
        pages = app._registered_pages.items()
        app._page_hash = next(page for page, info in pages if info["url_pathname"] == "programme")
        return app.run()

    return start


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_shows_the_report(open_page, plan, lang):
    app = open_page(plan, lang)
    assert not app.exception
    assert not app.error
    kept = read_plan(plan)
    report = judge_programme(kept, parse_programme(kept.info.programme, file="mine.toml"))
    with using_language(lang):
        table = leader_table(report)
        shown = app.dataframe[0].value
        for column in shown.columns[1:]:
            assert shown[column].tolist() == table[column].tolist()
        assert [metric.value for metric in app.metric] == ["1", "1", "1"]
        said = [text.value for text in app.markdown]
        assert any(plain(report.verdicts[0].sentence) in each for each in said)


def test_a_plan_without_a_programme_says_what_to_do(open_page, tmp_path):
    write_plan(draw(), tmp_path / "bare.gpkg")
    app = open_page(tmp_path / "bare.gpkg")
    assert "Choose a programme above" in app.info[0].value
    app.selectbox[0].select("tashan").run()
    assert not app.exception
    assert not app.error
    assert len(app.dataframe[0].value) == 13
