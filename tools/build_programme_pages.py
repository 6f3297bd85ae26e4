"""Write the page and the picture of every programme's worked example.

Run ``python tools/build_programme_pages.py [NAME …]``; it builds the examples, judges them, and writes
``docs/programmes/<name>.md`` and, where there is Chromium, ``docs/images/programme-<name>.png``.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from gridgeo.maps import write_map
from gridgeo.maps.programme import programme_map
from gridgeo.programme_run import build_example
from gridgeo.programmes import PROGRAMMES, Programme, ProgrammeReport, judge_programme, read_programme
from gridgeo.texts import using_language

DOCS = Path(__file__).parents[1] / "docs"
SIZE = {"width": 1180, "height": 720}
COLOURS = 256
PATIENCE_MS = 180_000
MARKS = {"met": "✓", "not_met": "✗", "unknown": "?"}
SHOWN = {
    "gutang": "radius_grid",
    "tinghu": "grid_stations_reached",
    "dafeng": "home_care_for_seniors",
    "nanwan": "organisation_every_200_m_streets",
    "tashan": "grids_agree",
}
"""The rule whose failing places each picture shows."""


def main() -> None:
    """Write all pages, or those named."""
    names = sys.argv[1:] or list(PROGRAMMES)
    for name in names:
        programme = read_programme(name)
        report = judge_programme(build_example(programme), programme)
        (DOCS / "programmes").mkdir(exist_ok=True)
        (DOCS / "programmes" / f"{name}.md").write_text(page(programme, report), encoding="utf-8")
        draw(report, DOCS / "images" / f"programme-{name}.png")
        print(name, report.counts)


def page(programme: Programme, report: ProgrammeReport) -> str:
    """Word the page of a programme.

    Parameters
    ----------
    programme : Programme
        The programme.
    report : ProgrammeReport
        What its worked example came to.

    Returns
    -------
    str
        Markdown.
    """
    with using_language("en"):
        table = report.table()
        levels = " – ".join(f"{level.name.zh} ({level.name.en})" for level in programme.levels)
        stations = [
            f"{kind.name.en} ({kind.name.zh}){f', {kind.radius}' if kind.radius else ''}" for kind in programme.stations
        ]
        notes = [f"- {note.en}" for note in report.plan.info.notes]
        shown = next(rule for rule in programme.rules if rule.rule == SHOWN[programme.name])
        counts = report.counts
    rows = [
        ROW.format(
            mark=MARKS[row["state"]],
            zh=verdict.rule.name.zh,
            **{**row, "rule": row["name"], "sentence": cell(row["sentence"]), "basis": cell(row["basis"])},
        )
        for row, verdict in zip(table.to_dict("records"), report.verdicts, strict=True)
    ]
    file = f"[{programme.name}.toml](../../gridgeo/programmes/{programme.name}.toml)"
    place = report.plan.info.name.zh
    lines = [
        f"# {programme.title.en} · {programme.title.zh}",
        f"{programme.place.en} · {programme.place.zh}. {programme.about.en}",
        programme.about.zh,
        f"Levels: {levels}." + (f"\nStations: {'; '.join(stations)}." if stations else ""),
        f"The file: {file}; what its keys mean: [Programmes](../programmes.md).",
        "## The worked example",
        EXAMPLE.format(name=programme.name, place=place),
        f"![Places that fail the rule {shown.name.en}](../images/programme-{programme.name}.png)",
        f"*On the map: what fails the rule “{shown.name.en}” ({shown.name.zh}).*",
        COUNTS.format(rules=len(report.verdicts), **counts) + ASSUMED,
        "\n".join([HEAD, "|---|---|---|---|---|---|---|---|---|---|", *rows]),
        "## What to know of the figures",
        "\n".join(notes),
        report.plan.info.attribution,
    ]
    return "\n\n".join(lines) + "\n"


EXAMPLE = (
    "`gridgeo programme apply {name} {name}.gpkg --example` builds it on {place}, and"
    " `gridgeo programme report {name}.gpkg` prints the figures below. **People, stations, needs, visits and"
    " zonings in it are made up** at the programme's own size; the ground is another place than the programme's,"
    " so a verdict here says nothing of the real one."
)
COUNTS = "{met} of {rules} rules are met, {not_met} are not, {unknown} cannot be said."
ASSUMED = " Where the last column is not empty, the programme states no figure and the one shown is assumed."
ROW = "| {number} | {rule} | {zh} | {mark} | {value} | {wanted} | {places} | {sentence} | {basis} | {assumed} |"
HEAD = "| # | rule | 规则 | | number | wanted | places | what was found | 依据 | assumed |"


def cell(sentence: str) -> str:
    """Keep a sentence inside its cell.

    Parameters
    ----------
    sentence : str
        Any text.

    Returns
    -------
    str
        Without line breaks and bars.
    """
    return sentence.replace("\n", " ").replace("|", "/")


def draw(report: ProgrammeReport, target: Path) -> None:
    """Draw the exported map of one rule.

    Parameters
    ----------
    report : ProgrammeReport
        The report.
    target : Path
        The PNG file.
    """
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        return
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        file = write_map(
            programme_map(report, rules=[SHOWN[report.programme.name]], lang="en"), Path(folder) / "m.html"
        )
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport=SIZE)
        shown.set_default_timeout(PATIENCE_MS)
        shown.goto(file.as_uri())
        shown.wait_for_function("window.gridgeo && gridgeo.view && gridgeo.view.ready")
        shown.wait_for_timeout(4000)
        shown.screenshot(path=target)
        browser.close()
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(COLOURS, kmeans=3, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main()
