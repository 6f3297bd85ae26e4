"""The engine against a brute-force answer, on the bundled places."""

import brute
import numpy as np
import pytest

from gridgeo.coverage import assess_coverage
from gridgeo.network import build_network
from gridgeo.readers import bundled_plan_path
from gridgeo.store import read_plan


@pytest.mark.parametrize("place", ["qinghuayuan", "nanshan"])
def test_every_household_agrees_with_networkx_on_split_streets(place):
    plan = read_plan(bundled_plan_path(place))
    walks = brute.walk_distances(plan.streets, plan.households, plan.stations)
    network = build_network(plan.streets)
    coverage = assess_coverage(network, plan.households, plan.stations, cutoff_m=(300, 500))
    nearest, found = walks.min(axis=1), coverage.households["distance_m"].to_numpy()
    assert np.array_equal(np.isfinite(nearest), np.isfinite(found))
    some = np.isfinite(found)
    assert np.abs(nearest[some] - found[some]).max() < 0.1
    for cutoff in coverage.cutoffs_m:
        table = coverage.at(cutoff).households
        clear = np.abs(nearest - cutoff) > 0.1
        assert np.array_equal(table["covered"][clear], (nearest <= cutoff)[clear])
        sure = (np.abs(walks - cutoff) > 0.1).all(axis=1)
        assert np.array_equal(table["n_stations"][sure], (walks <= cutoff).sum(axis=1)[sure])
