"""How long a reader of the app waits, in a real browser: medians over many actions, and many readers at once.

Run ``python benchmarks/app.py`` with Chromium installed. It makes its own plans (square streets, a plan's blocks and
grids by gridgeo itself), starts the app as a user does, and prints one line a figure:

    python benchmarks/app.py                  everything below, one after the other, about ten minutes
    python benchmarks/app.py --blocks 80 2000     redraw and what-if, first page, undo, memory a session
    python benchmarks/app.py --households 100000 1000000    that many household points on the overview
    python benchmarks/app.py --buildings 50000              that many buildings on the overview
    python benchmarks/app.py --sessions 20 --seconds 120    readers at once on one plan, each assigning a block

Times are from the click in the browser to the change painted on the screen, so they hold the way to the server and
back. No wait is longer than a minute, but for the first page of very many households, when the server computes
everything: what takes longer ends the run with a word about what was waited for.
"""

from __future__ import annotations

import argparse
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
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from playwright.sync_api import Frame, Page, sync_playwright

from gridgeo.assessment import divide_plan
from gridgeo.plan import Name, Plan, PlanInfo, make_plan
from gridgeo.store import read_plan, write_plan

CRS = 4547
ORIGIN = (500_000.0, 3_380_000.0)
SIDE_M = 120.0
HOUSEHOLDS_A_BLOCK = 60
FLAGS = ("--no-sandbox", "--disable-gpu", "--host-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
PATIENCE_S = 60
COLD_S = 300
"""How long the first page of very many features may take, for which the server computes everything."""
FURTHER = 8
"""How many more sessions are opened to see what one costs."""
THINKING_S = 2
"""How long each of many readers looks before the next click."""
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
READY = "Boolean(window.gridgeo && gridgeo.view && gridgeo.view.ready)"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, nargs="*", default=[])
    parser.add_argument("--actions", type=int, default=30)
    parser.add_argument("--households", type=int, nargs="*", default=[])
    parser.add_argument("--buildings", type=int, nargs="*", default=[])
    parser.add_argument("--sessions", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=120.0)
    asked = parser.parse_args()
    if not (asked.blocks or asked.households or asked.buildings or asked.sessions):
        asked.blocks, asked.households, asked.buildings = [80, 2000], [100_000, 1_000_000], [50_000]
        asked.sessions = 20
    with tempfile.TemporaryDirectory(prefix="gridgeo-bench-") as folder:
        for count in asked.blocks:
            measure_actions(Path(folder), count, asked.actions)
        for count in asked.households:
            measure_overview(square_town(400, households=count), Path(folder), f"{count:,} households")
        for count in asked.buildings:
            measure_overview(square_town(400, buildings=count), Path(folder), f"{count:,} buildings")
        if asked.sessions:
            measure_sessions(Path(folder), asked.sessions, asked.seconds)


def square_town(blocks: int, *, households: int | None = None, buildings: int = 0) -> Plan:
    """Make a town of square blocks, divided into grids by gridgeo.

    Parameters
    ----------
    blocks : int
        About how many.
    households : int, optional
        How many household points; one in the middle of each block when left out.
    buildings : int, optional
        How many square buildings, anywhere.

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
    random = np.random.default_rng(0)
    if households is None:
        at = [(x + SIDE_M * (i + 0.5), y + SIDE_M * (j + 0.5)) for i in range(across) for j in range(up)]
        points, each = shapely.points(at), HOUSEHOLDS_A_BLOCK
    else:
        drawn = random.uniform((x + 1, y + 1), (x + width - 1, y + height - 1), (households, 2))
        points, each = shapely.points(drawn), max(1, HOUSEHOLDS_A_BLOCK * blocks // households)
    homes = {"household_id": [f"h{row:07}" for row in range(len(points))], "households": each, "persons": 2.5 * each}
    posts = shapely.points(np.random.default_rng(1).uniform((x, y), (x + width, y + height), (max(3, blocks // 25), 2)))
    names = [f"S{row}" for row in range(len(posts))]
    # In rows within the blocks: a building that lies on a street would join what the street parts.
    rows = int(np.ceil((buildings / (across * up)) ** 0.5)) or 1
    steps = (SIDE_M * np.arange(max(across, up))[:, None] + 10 + 100 / rows * np.arange(rows)).ravel()
    west, south = (each.ravel()[:buildings] for each in np.meshgrid(x + steps[: across * rows], y + steps[: up * rows]))
    houses = shapely.box(west, south, west + 70 / rows, south + 50 / rows)
    kinds = {"building_id": [f"b{row}" for row in range(buildings)], "building_kind": "residential"}
    layers = {
        "streets": gpd.GeoDataFrame(streets, geometry=lines, crs=CRS),
        "units": gpd.GeoDataFrame(district, geometry=[shapely.box(x, y, x + width, y + height)], crs=CRS),
        "households": gpd.GeoDataFrame(homes, geometry=points, crs=CRS),
        "stations": gpd.GeoDataFrame({"station_id": names, "name": names}, geometry=posts, crs=CRS),
    }
    if buildings:
        layers["buildings"] = gpd.GeoDataFrame(kinds, geometry=houses, crs=CRS)
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
    plan = square_town(blocks)
    write_plan(plan, path)
    with app_server(path) as (address, process), browser() as new_page:
        page = new_page()
        first = [timed(lambda: open_overview(page, address)) for _ in range(6)]
        report(f"{blocks} blocks: first page, cold", first[:1])
        report(f"{blocks} blocks: first page, warm", first[1:])
        measure_redraw(page, address, border_blocks(plan), actions, f"{blocks} blocks")
        measure_whatif(page, address, actions, f"{blocks} blocks")
        alone = memory_mb(process)
        for _ in range(FURTHER):
            turn_to(new_page(), address, "Redraw")
        told = (memory_mb(process) - alone) / FURTHER
        print(f"{blocks} blocks: server {alone:.0f} MB with one session, {told:.1f} MB more for each further one")


def border_blocks(plan: Plan) -> list[str]:
    """Return the blocks that lie beside another grid, spread over the plan."""
    grids = dict(zip(plan.grids["grid_id"], plan.grids.geometry, strict=True))
    found = [
        block
        for block, own, shape in zip(plan.blocks["block_id"], plan.blocks["grid_id"], plan.blocks.geometry, strict=True)
        if shape.intersection(grids[own].boundary).length > SIDE_M * 0.9
    ]
    return [found[row] for row in np.random.default_rng(2).permutation(len(found))]


def measure_redraw(page: Page, address: str, blocks: list[str], actions: int, what: str) -> None:
    """Time assigning a chosen block and taking that back, each until the map shows it."""
    frame = turn_to(page, address, "Redraw")
    assigned, undone = [], []
    for turn in range(actions):
        block = blocks[turn % len(blocks)]
        look_at(frame, "blocks", block)
        page.mouse.click(*feature_spot(page, frame, "blocks", block))
        page.get_by_text("Blocks chosen: 1;").wait_for()
        until(frame, f"gridgeo.editor.chosen.has({block!r})")
        settle(page)
        before = frame.evaluate(grid_on_map(block))
        button = page.get_by_role("button", name="Assign", exact=True)
        assigned.append(timed(lambda: (button.click(), painted(frame, f"{grid_on_map(block)} !== {before!r}"))))  # noqa: B023
        settle(page)
        undo = page.get_by_role("button", name="Undo (")
        undone.append(timed(lambda: (undo.click(), painted(frame, f"{grid_on_map(block)} === {before!r}"))))  # noqa: B023
        settle(page)
        page.keyboard.press("Escape")
        page.get_by_text("Click a block on the map").wait_for()
    report(f"{what}: click → assigned and repainted", assigned)
    report(f"{what}: undo → repainted", undone)


def measure_whatif(page: Page, address: str, actions: int, what: str) -> None:
    """Time dragging a station until the households on the map are drawn anew."""
    turn_to(page, address, "What-if", mapped=False)
    page.get_by_role("button", name="Begin").click()
    frame = map_frame(page)
    dragged = []
    for turn in range(actions):
        look_at(frame, "stations", "S0")
        x, y = feature_spot(page, frame, "stations", "S0")
        step = 40 if turn % 2 == 0 else -40
        frame.evaluate("() => { window.held = gridgeo.view.layers.get('households').data.version; }")
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + step, y + step / 2, steps=4)
        moved = "gridgeo.view.layers.get('households').data.version !== window.held"
        dragged.append(timed(lambda: (page.mouse.up(), painted(frame, moved))))  # noqa: B023
        settle(page)
    report(f"{what}: drag a station → coverage redrawn", dragged)


def measure_overview(plan: Plan, folder: Path, what: str) -> None:
    """Time the overview of a plan with very many features: the very first page, then with the server warm.

    Parameters
    ----------
    plan : Plan
        The plan.
    folder : Path
        Where its file goes.
    what : str
        What it has many of.
    """
    path = folder / "many.gpkg"
    write_plan(plan, path)
    del plan
    begun = time.perf_counter()
    with app_server(path) as (address, process), browser() as new_page:
        report(f"{what}: server ready", [time.perf_counter() - begun])
        page, worked = new_page(), cpu_s(process)
        said = timed(lambda: open_at_work(page, address))
        report(f"{what}: first page says it is at work", [said])
        report(f"{what} on the map, cold", [said + timed(lambda: see_overview(page, patience_s=COLD_S))])
        print(f"{what}: cold, {cpu_s(process) - worked:.1f} s of the server's processor")
        worked = cpu_s(process)
        report(f"{what} on the map", [timed(lambda: open_overview(new_page(), address)) for _ in range(5)])
        print(f"{what}: warm, {(cpu_s(process) - worked) / 5:.1f} s of the server's processor a page")
        now, most = memory_mb(process), memory_mb(process, "VmHWM")
        print(f"{what}: server {now:.0f} MB, {most:.0f} MB at the most", flush=True)


def measure_sessions(folder: Path, sessions: int, seconds: float) -> None:
    """Let many readers assign blocks of one plan at once, and count their edits in its log afterwards.

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
    plan = square_town(max(80, 4 * sessions))
    write_plan(plan, path)
    blocks = border_blocks(plan)[:sessions]
    wrong: list[str] = []
    with app_server(path) as (address, process), browser() as new_page:
        pages = [new_page() for _ in blocks]
        for page, block in zip(pages, blocks, strict=True):
            page.on("pageerror", lambda error: wrong.append(str(error)))
            frame = turn_to(page, address, "Redraw")
            page.mouse.click(*feature_spot(page, frame, "blocks", block))
            page.get_by_text("Blocks chosen: 1;").wait_for()
        for page, block in zip(pages, blocks, strict=True):
            page.evaluate(ASSIGN_OVER_AND_OVER, {"block": block, "seconds": seconds, "thinking": THINKING_S})
        pages[0].wait_for_timeout(1000 * seconds)
        done: list[dict[str, Any]] = [page.evaluate("() => window.working") for page in pages]
        memory = memory_mb(process)
    after = read_plan(path)
    names = dict(zip(after.grids["grid_id"], after.grids["name"], strict=True))
    grid = dict(zip(after.blocks["block_id"], after.blocks["grid_id"].map(names), strict=True))
    took = sorted(each for one in done for each in one["took"])
    wrong += [each for one in done for each in one["wrong"]]
    lost = sum(grid[block] != one["last"] for block, one in zip(blocks, done, strict=True))
    print(
        f"{sessions} sessions on one plan for {seconds:.0f} s: {len(took)} edits made, {len(after.edits)} in the log, "
        f"{lost} blocks not where their reader put them, {len(wrong)} errors"
    )
    late = took[int(0.95 * (len(took) - 1))] if took else float("nan")
    print(f"  click → repainted: median {statistics.median(took):.2f} s, p95 {late:.2f} s; server {memory:.0f} MB")
    for error in wrong[:3]:
        print(f"  {error}")
    if wrong or lost or len(after.edits) != len(took):
        raise SystemExit(1)


ASSIGN_OVER_AND_OVER = """({ block, seconds, thinking }) => {
  const rest = (ms) => new Promise((done) => setTimeout(done, ms));
  const { gridgeo, requestAnimationFrame } = document.querySelector("iframe").contentWindow;
  const grid = () => {
    const { keys, titles } = gridgeo.view.layers.get("blocks").data;
    return titles[keys.indexOf(block)];
  };
  const work = async () => {
    const [took, wrong, end] = [[], [], performance.now() + 1000 * seconds];
    await rest(1000 * thinking * Math.random());
    while (performance.now() < end && !wrong.length) {
      // A reader clicks when the page is whole again; before that its buttons are those of the last step.
      while (!document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]")) {
        await rest(10);
      }
      const [before, begun] = [grid(), performance.now()];
      document.querySelector(".st-key-redraw_assign button").click();
      while (grid() === before && !wrong.length) {
        await rest(10);
        wrong.push(...[...document.querySelectorAll("[data-testid=stAlertContentError]")].map((e) => e.innerText));
        if (performance.now() - begun > 60000) {
          wrong.push("no answer within a minute");
        }
      }
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      took.push((performance.now() - begun) / 1000);
      await rest(1000 * thinking * (0.5 + Math.random()));
    }
    return { took, wrong, last: grid() };
  };
  window.working = work();
}"""
"""In the page itself, so that twenty of them are timed by their own clocks."""


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
        for _ in range(5 * COLD_S):
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
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=found, args=list(FLAGS))

        def new_page() -> Page:
            page = opened.new_context(locale="en-GB", viewport={"width": 1366, "height": 768}).new_page()
            page.set_default_timeout(1000 * PATIENCE_S)
            return page

        yield new_page
        opened.close()


def open_overview(page: Page, address: str) -> None:
    """Open the overview and wait until its households are painted."""
    page.goto(f"{address}/?lang=en")
    see_overview(page)


def open_at_work(page: Page, address: str) -> None:
    """Open the overview of a plan that nobody has looked at yet, and wait until it says that it is at work."""
    page.goto(f"{address}/?lang=en")
    page.get_by_test_id("stSpinner").wait_for()


def see_overview(page: Page, *, patience_s: float = PATIENCE_S) -> None:
    """Wait until the overview's households are painted."""
    page.set_default_timeout(1000 * patience_s)
    households = "(gridgeo.view.layers.get('households') || { shape: {} }).shape.count"
    painted(map_frame(page, settled=False), households)


def turn_to(page: Page, address: str, name: str, *, mapped: bool = True) -> Frame:
    """Open a page of the app by its name in the menu."""
    page.goto(f"{address}/?lang=en")
    page.get_by_role("link", name=name).click()
    page.wait_for_url(lambda url: name.lower().replace("-", "") in url)
    settle(page)
    return map_frame(page) if mapped else page.main_frame


def map_frame(page: Page, *, settled: bool = True) -> Frame:
    """Wait for the page's map and return its frame."""
    page.frame_locator("iframe").first.locator(".gg-panel-legend").wait_for()
    frame = next(each for each in page.frames if "plan_map" in each.url)
    until(frame, READY)
    if settled:
        settle(page)
    return frame


def grid_on_map(block: str) -> str:
    """Return the expression for the name of a block's grid, as the map has it."""
    data = "gridgeo.view.layers.get('blocks').data"
    return f"{data}.titles[{data}.keys.indexOf({block!r})]"


def look_at(frame: Frame, layer: str, key: str) -> None:
    """Bring a feature into the middle of the map, near enough to be clicked."""
    frame.evaluate(
        """([id, key]) => { const { map, layers } = gridgeo.view; const { shape, data } = layers.get(id);
          const i = data.keys.indexOf(key); const scale = map.options.crs.scale(0) / 256;
          const at = shape.boxes ? [0, 1].map((k) => (shape.boxes[4 * i + k] + shape.boxes[4 * i + 2 + k]) / 2)
            : [shape.xy[2 * i], shape.xy[2 * i + 1]];
          map.setView(map.unproject([at[0] * scale, at[1] * scale], 0), Math.max(map.getZoom(), 15),
            { animate: false }); }""",
        [layer, key],
    )


def feature_spot(page: Page, frame: Frame, layer: str, key: str) -> tuple[float, float]:
    """Return where a feature is on the screen, in pixels."""
    x, y = frame.evaluate(
        """([id, key]) => { const { map, layers } = gridgeo.view; const { shape, data } = layers.get(id);
          const i = data.keys.indexOf(key);
          const s = map.options.crs.scale(map.getZoom()) / 256; const o = map.getPixelOrigin();
          const b = shape.boxes ? [0, 1].map((k) => (shape.boxes[4 * i + k] + shape.boxes[4 * i + 2 + k]) / 2)
            : [shape.xy[2 * i], shape.xy[2 * i + 1]];
          const p = map.layerPointToContainerPoint([b[0] * s - o.x, b[1] * s - o.y]);
          const r = map.getContainer().getBoundingClientRect(); return [p.x + r.left, p.y + r.top]; }""",
        [layer, key],
    )
    box = page.locator("iframe").first.bounding_box() or {"x": 0, "y": 0}
    return box["x"] + x, box["y"] + y


def settle(page: Page) -> None:
    """Wait until the app has no work left."""
    page.wait_for_timeout(50)
    page.locator(IDLE).wait_for()


def until(frame: Frame, expression: str) -> None:
    """Wait until an expression is true in a frame; looked at every few milliseconds."""
    # By evaluating rather than by Playwright's waiting, which evaluates text inside the page: its policy forbids that.
    end = time.monotonic() + PATIENCE_S
    while not frame.evaluate(f"() => Boolean({expression})"):
        if time.monotonic() > end:
            raise SystemExit(f"not true within {PATIENCE_S} s: {expression}")
        frame.wait_for_timeout(5)


def painted(frame: Frame, expression: str) -> None:
    """Wait until an expression is true in a frame and what it stands for is on the screen."""
    until(frame, expression)
    frame.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds something took."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def memory_mb(process: subprocess.Popen[bytes], name: str = "VmRSS") -> float:
    """Return the resident memory of a process, now or (``VmHWM``) at the most, in megabytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1000


def cpu_s(process: subprocess.Popen[bytes]) -> float:
    """Return how many seconds of a processor a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(what: str, seconds: list[float]) -> None:
    """Print the median and the slowest of some times, and how busy the machine is."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    middle, slowest = statistics.median(seconds), max(seconds)
    print(f"{what}: median {middle:.2f} s of {len(seconds)}, slowest {slowest:.2f} s{load}", flush=True)


if __name__ == "__main__":
    main()
