"""What other tools take for the same work; run by a Python that has them (see benchmarks/engine.py)."""

import json
import os
import sys
import time
from pathlib import Path

CLOCK = time.process_time if os.environ.get("GRIDGEO_BENCH_CLOCK") == "cpu" else time.perf_counter


def run_pandana(folder):
    """From the same lengths and points to every household's distance and station within 1,000 m, node to node."""
    import numpy as np  # noqa: PLC0415 (only one of the tools may be there)
    import pandana  # noqa: PLC0415 (only one of the tools may be there)
    import pandas as pd  # noqa: PLC0415 (only one of the tools may be there)

    data, took = np.load(folder / "graph.npz"), {}

    def step(name, work):
        begun = CLOCK()
        found = work()
        took[name] = CLOCK() - begun
        return found

    network = step(
        "network",
        lambda: pandana.Network(
            pd.Series(data["x"]), pd.Series(data["y"]), pd.Series(data["u"]), pd.Series(data["v"]),
            pd.DataFrame({"length": data["length"]}), twoway=True,
        ),
    )  # fmt: skip
    homes = step("points to nodes", lambda: network.get_node_ids(pd.Series(data["home_x"]), pd.Series(data["home_y"])))
    posts = pd.Series(data["post_x"]), pd.Series(data["post_y"])
    step("stations", lambda: network.set_pois("posts", 1000, 1, *posts))
    # With the station's id, as our table has it.
    found = step("search", lambda: network.nearest_pois(1000, "posts", num_pois=1, include_poi_ids=True))
    distance = step("table", lambda: found[1].to_numpy()[homes.to_numpy()])
    np.save(folder / "pandana.npy", distance)
    return {"seconds": sum(took.values()), "parts": took, "version": pandana.__version__}


def run_osmnx(folder):
    """From XML to a walking graph."""
    import osmnx  # noqa: PLC0415 (only one of the tools may be there)

    begun = CLOCK()
    graph = osmnx.graph_from_xml(folder / "extract.osm", simplify=False, retain_all=True)
    return {"seconds": CLOCK() - begun, "version": osmnx.__version__, "nodes": len(graph)}


if __name__ == "__main__":
    print(json.dumps({"pandana": run_pandana, "osmnx": run_osmnx}[sys.argv[1]](Path(sys.argv[2]))))
