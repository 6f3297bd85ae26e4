"""The bundled places, read and assessed once for all tests of a process; what is found is immutable by custom."""

from functools import cache

from gridgeo.assessment import assess_plan
from gridgeo.readers import bundled_plan_path
from gridgeo.store import read_plan


@cache
def read_place(name):
    return read_plan(bundled_plan_path(name))


@cache
def assess_place(name):
    return assess_plan(read_place(name))
