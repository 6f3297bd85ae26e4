"""The walking network: streets joined where they share a vertex, in metres, ready for exact distances."""

from gridgeo.network.build import build_network
from gridgeo.network.edits import close_streets, gates_at, set_gates
from gridgeo.network.graph import DEFAULT_MAX_ACCESS_M, Network
from gridgeo.network.person import Person
from gridgeo.network.persons import PERSONS, adapt_network, find_person

__all__ = [
    "DEFAULT_MAX_ACCESS_M", "PERSONS", "Network", "Person", "adapt_network", "build_network", "close_streets",
    "find_person", "gates_at", "set_gates",
]  # fmt: skip
