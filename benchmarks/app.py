"""How long a reader of the app waits, in a real browser: medians over many actions, and many readers at once.

Run ``python benchmarks/app.py`` with Chromium installed. It makes its own plans (square streets, a plan's blocks and
grids by gridgeo itself), starts the app as a user does, and prints one line a figure:

    python benchmarks/app.py                          redraw and what-if on 80 and 2,000 blocks, first page, undo
    python benchmarks/app.py --households 100000 1000000    that many household points on the overview
    python benchmarks/app.py --sessions 20 --seconds 120    readers at once on one plan, each editing a row of their own

Times are from the click in the browser to the change on the screen, so they hold the way to the server and back.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from playwright.async_api import async_playwright
from playwright.sync_api import Frame, Page, sync_playwright

from gridgeo.assessment import divide_plan
from gridgeo.plan import Name, Plan, PlanInfo, make_plan
from gridgeo.store import read_plan, write_plan

CRS = 4547
ORIGIN = (500_000.0, 3_380_000.0)
SIDE_M = 120.0
HOUSEHOLDS_A_BLOCK = 60
FLAGS = ("--no-sandbox", "--disable-gpu", "--host-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
PATIENCE_MS = 180_000
READY = "Boolean(window.gridgeo && gridgeo.view && gridgeo.view.ready)"
LOOKS = "Array.from(gridgeo.view.layers.get('blocks').lookOf).join()"
COLUMN_X, ROW_Y = 250, 55
"""Where the first cell of a table that can be changed lies, in pixels from the table's corner."""


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, nargs="*", default=[80, 2000])
    parser.add_argument("--actions", type=int, default=30)
    parser.add_argument("--households", type=int, nargs="*", default=[])
    parser.add_argument("--sessions", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=120.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridgeo-bench-") as folder:
        if asked.sessions:
            measure_sessions(Path(folder), asked.sessions, asked.seconds)
        elif asked.households:
            for count in asked.households:
                measure_households(Path(folder), count)
        else:
            for count in asked.blocks:
                measure_actions(Path(folder), count, asked.actions)


def square_town(blocks: int, households: int | None = None) -> Plan:
    """Make a town of square blocks, divided into grids by gridgeo.

    Parameters
    ----------
    blocks : int
        About how many.
    households : int, optional
        How many household points; one in the middle of each block when left out.

    Returns
    -------
    Plan
        The plan.
    """
    across = max(2, round(blocks**0.5))
    up = max(2, round(blocks / across))
    x, y = ORIGIN
    lines = [
        shapely.LineString([(x + SIDE_M * i, y + SIDE_M * j), (x + SIDE_M * (i + di), y + SIDE_M * (j + dj))])
        for i in range(across + 1)
        for j in range(up + 1)
        for di, dj in ((1, 0), (0, 1))
        if i + di <= across and j + dj <= up
    ]
    streets = {"street_id": [f"s{at}" for at in range(len(lines))], "street_class": "residential"}
    width, height = SIDE_M * across, SIDE_M * up
    district = {"unit_id": ["1"], "name": ["Town"], "level": ["subdistrict"]}
    if households is None:
        at = [(x + SIDE_M * (i + 0.5), y + SIDE_M * (j + 0.5)) for i in range(across) for j in range(up)]
        points, each = shapely.points(at), HOUSEHOLDS_A_BLOCK
    else:
        drawn = np.random.default_rng(0).uniform((x + 1, y + 1), (x + width - 1, y + height - 1), (households, 2))
        points, each = shapely.points(drawn), max(1, HOUSEHOLDS_A_BLOCK * blocks // households)
    homes = {"household_id": [f"h{row:07}" for row in range(len(points))], "households": each, "persons": 2.5 * each}
    posts = shapely.points(np.random.default_rng(1).uniform((x, y), (x + width, y + height), (max(3, blocks // 25), 2)))
    stations = {
        "station_id": [f"S{row}" for row in range(len(posts))],
        "name": [f"S{row}" for row in range(len(posts))],
    }
    layers = {
        "streets": gpd.GeoDataFrame(streets, geometry=lines, crs=CRS),
        "units": gpd.GeoDataFrame(district, geometry=[shapely.box(x, y, x + width, y + height)], crs=CRS),
        "households": gpd.GeoDataFrame(homes, geometry=points, crs=CRS),
        "stations": gpd.GeoDataFrame(stations, geometry=posts, crs=CRS),
    }
    plan = make_plan(PlanInfo(name=Name(f"{blocks}", f"{blocks}")), CRS, **layers)
    return divide_plan(plan)[0]


def measure_actions(folder: Path, blocks: int, actions: int) -> None:
    """Assign blocks, take it back, drag a station; and the first page, and the server's memory.

    Parameters
    ----------
    folder : Path
        Where the plan goes.
    blocks : int
        About how many blocks.
    actions : int
        How many of each.
    """
    path = folder / f"blocks-{blocks}.gpkg"
    write_plan(square_town(blocks), path)
    with app_server(path) as (address, process), browser() as new_page:
        page = new_page()
        first = [timed(lambda: open_overview(page, address)) for _ in range(6)]
        report(f"{blocks} blocks: first page, cold", first[:1])
        report(f"{blocks} blocks: first page, warm", first[1:])
        measure_redraw(page, address, blocks, actions)
        measure_whatif(page, address, blocks, actions)
        alone = memory_mb(process)
        pages = [new_page() for _ in range(4)]
        for other in pages:
            open_overview(other, address)
        told = (memory_mb(process) - alone) / len(pages)
        print(f"{blocks} blocks: server {alone:.0f} MB with one session, {told:.1f} MB more for each further one")


def measure_redraw(page: Page, address: str, blocks: int, actions: int) -> None:
    """Time assigning a chosen block and taking that back, each until the map shows it."""
    page.goto(f"{address}/?lang=en")
    page.get_by_role("link", name="Redraw").click()
    frame = map_frame(page)
    assigned, undone = [], []
    for turn in range(actions):
        choose_border_block(page, frame, turn)
        button = page.get_by_role("button", name="Assign", exact=True)
        button.wait_for()
        settle(page)
        before = frame.evaluate(LOOKS)
        assigned.append(timed(lambda: (button.click(), until(frame, f"{LOOKS} !== {before!r}"))))  # noqa: B023
        settle(page)
        undo = page.get_by_role("button", name="Undo (")
        undone.append(timed(lambda: (undo.click(), until(frame, f"{LOOKS} === {before!r}"))))  # noqa: B023
        settle(page)
    report(f"{blocks} blocks: click → assigned and repainted", assigned)
    report(f"{blocks} blocks: undo → repainted", undone)


def measure_whatif(page: Page, address: str, blocks: int, actions: int) -> None:
    """Time dragging a station until the households on the map are drawn anew."""
    page.goto(f"{address}/?lang=en")
    page.get_by_role("link", name="What-if").click()
    page.get_by_label("Name of a new scenario").fill(f"b{time.time():.0f}")
    page.keyboard.press("Enter")
    settle(page)
    page.get_by_role("button", name="Begin").click()
    frame = map_frame(page)
    dragged = []
    for turn in range(actions):
        x, y = feature_spot(page, frame, "stations", 0)
        step = 40 if turn % 2 == 0 else -40
        frame.evaluate("window.held = gridgeo.view.layers.get('households')?.data")
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + step, y + step / 2, steps=4)
        moved = "gridgeo.view.layers.get('households')?.data !== window.held"
        dragged.append(timed(lambda: (page.mouse.up(), until(frame, moved))))  # noqa: B023
        settle(page)
    report(f"{blocks} blocks: drag a station → coverage redrawn", dragged)


def measure_households(folder: Path, count: int) -> None:
    """Time the overview of a plan with many household points, the server warm.

    Parameters
    ----------
    folder : Path
        Where the plan goes.
    count : int
        How many points.
    """
    path = folder / f"households-{count}.gpkg"
    write_plan(square_town(400, count), path)
    with app_server(path) as (address, process), browser() as new_page:
        open_overview(new_page(), address)
        report(
            f"{count:,} households on the map", [timed(lambda: open_overview(new_page(), address)) for _ in range(5)]
        )
        print(f"{count:,} households: server {memory_mb(process):.0f} MB")


def measure_sessions(folder: Path, sessions: int, seconds: float) -> None:
    """Let many readers edit one plan at once, and count their edits in its log afterwards.

    Parameters
    ----------
    folder : Path
        Where the plan goes.
    sessions : int
        How many readers.
    seconds : float
        For how long.
    """
    path = folder / "sessions.gpkg"
    write_plan(square_town(80), path)
    with app_server(path) as (address, process):
        took, errors = asyncio.run(edit_together(address, sessions, seconds))
        memory = memory_mb(process)
    log = read_plan(path).edits
    ordered = sorted(took)
    print(
        f"{sessions} sessions for {seconds:.0f} s: {len(took)} edits made, {len(log)} in the log, {len(errors)} errors"
    )
    late = ordered[int(0.95 * (len(ordered) - 1))]
    print(f"  median {statistics.median(took):.2f} s, p95 {late:.2f} s, server {memory:.0f} MB")
    for error in errors[:3]:
        print(f"  {error}")
    if errors or len(log) != len(took):
        raise SystemExit(1)


async def edit_together(address: str, sessions: int, seconds: float) -> tuple[list[float], list[str]]:
    """Open as many pages and let each change a cell of its own row over and over.

    Parameters
    ----------
    address : str
        Where the app is.
    sessions : int
        How many pages.
    seconds : float
        For how long.

    Returns
    -------
    took : list of float
        Seconds from the key to the plan's changed log on the page, one an edit.
    errors : list of str
        What went wrong on any page.
    """
    took: list[float] = []
    errors: list[str] = []
    opened = asyncio.Barrier(sessions)

    async def work(context, number):
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{address}/?lang=en")
        await page.get_by_role("link", name="Data").click()
        await page.get_by_text("households", exact=True).click()
        await page.get_by_role("textbox", name="Search").fill(f"h{number:07}")
        await page.keyboard.press("Enter")
        await page.wait_for_timeout(1000)
        await opened.wait()
        end, turn = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            turn += 1
            box = await page.get_by_test_id("stDataFrame").first.bounding_box()
            await page.mouse.click(box["x"] + COLUMN_X, box["y"] + ROW_Y)
            await page.keyboard.press("Enter")
            await page.locator("input.gdg-input, .gdg-input input").first.wait_for()
            await page.keyboard.press("Control+a")
            await page.keyboard.type(str(100 * turn + number))
            said = page.get_by_text("Changes of this plan:")
            before = await said.inner_text()
            begun = time.perf_counter()
            await page.keyboard.press("Enter")
            while await said.inner_text() == before:
                await page.wait_for_timeout(20)
            took.append(time.perf_counter() - begun)
            alerts = await page.get_by_test_id("stAlert").all_inner_texts()
            errors.extend(alerts)
            await page.wait_for_timeout(500)

    async with async_playwright() as play:
        opened_browser = await play.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        contexts = [await opened_browser.new_context(locale="en-GB") for _ in range(sessions)]
        await asyncio.gather(*(work(context, number) for number, context in enumerate(contexts)))
        await opened_browser.close()
    return took, errors


@contextmanager
def app_server(plan: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve a plan as ``gridgeo app`` does.

    Parameters
    ----------
    plan : Path
        The plan file.

    Yields
    ------
    tuple of str and Popen
        The address, and the server's process.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"GRIDGEO_CONFIG": str(plan.parent / "config"), "GRIDGEO_HOME": str(plan.parent / "home")}
    command = [sys.executable, "-m", "app", str(plan), "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, **own}, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()  # noqa: S310 - our own address
                break
            except OSError:
                time.sleep(0.2)
        yield address, process
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def browser() -> Iterator[Callable[[], Page]]:
    """Open Chromium.

    Yields
    ------
    callable
        Opens a page of its own session.
    """
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))

        def new_page() -> Page:
            page = opened.new_context(locale="en-GB", viewport={"width": 1366, "height": 768}).new_page()
            page.set_default_timeout(PATIENCE_MS)
            return page

        yield new_page
        opened.close()


def find_chromium() -> str | None:
    """Return where Chromium is; Playwright's own when None."""
    return next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)


def open_overview(page: Page, address: str) -> None:
    """Open the overview and wait until its map holds the households."""
    page.goto(f"{address}/?lang=en")
    until(map_frame(page, settled=False), "gridgeo.view.layers.has('households')")


def map_frame(page: Page, *, settled: bool = True) -> Frame:
    """Wait for the page's map and return its frame."""
    page.frame_locator("iframe").first.locator(".gg-panel-legend").wait_for()
    frame = next(each for each in page.frames if "plan_map" in each.url)
    until(frame, READY)
    if settled:
        settle(page)
    return frame


def choose_border_block(page: Page, frame: Frame, turn: int) -> None:
    """Click a block beside another grid, so that it can be assigned there."""
    count = frame.evaluate("gridgeo.view.layers.get('blocks').data.keys.length")
    x, y = feature_spot(page, frame, "blocks", (7 * turn) % count)
    page.mouse.click(x, y)
    settle(page)


def feature_spot(page: Page, frame: Frame, layer: str, row: int) -> tuple[float, float]:
    """Return where a feature is on the screen, in pixels."""
    x, y = frame.evaluate(
        """([id, i]) => { const { map, layers } = gridgeo.view; const { shape } = layers.get(id);
          const s = map.options.crs.scale(map.getZoom()) / 256; const o = map.getPixelOrigin();
          const b = shape.boxes ? [0, 1].map((k) => (shape.boxes[4 * i + k] + shape.boxes[4 * i + 2 + k]) / 2)
            : [shape.xy[2 * i], shape.xy[2 * i + 1]];
          const p = map.layerPointToContainerPoint([b[0] * s - o.x, b[1] * s - o.y]);
          const r = map.getContainer().getBoundingClientRect(); return [p.x + r.left, p.y + r.top]; }""",
        [layer, row],
    )
    box = page.locator("iframe").first.bounding_box() or {"x": 0, "y": 0}
    return box["x"] + x, box["y"] + y


def settle(page: Page) -> None:
    """Wait until the app has no work left."""
    page.wait_for_timeout(50)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def until(frame: Frame, expression: str) -> None:
    """Wait until an expression is true in a frame; looked at every few milliseconds."""
    # By evaluating rather than by Playwright's waiting, which evaluates text inside the page: its policy forbids that.
    end = time.monotonic() + PATIENCE_MS / 1000
    while not frame.evaluate(f"() => Boolean({expression})"):
        if time.monotonic() > end:
            raise SystemExit(f"never true: {expression[:120]}")
        frame.wait_for_timeout(10)


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds something took."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def memory_mb(process: subprocess.Popen[bytes]) -> float:
    """Return the resident memory of a process, in megabytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


def report(what: str, seconds: list[float]) -> None:
    """Print the median and the slowest of some times."""
    print(
        f"{what}: median {statistics.median(seconds):.2f} s of {len(seconds)}, slowest {max(seconds):.2f} s", flush=True
    )


if __name__ == "__main__":
    main()
