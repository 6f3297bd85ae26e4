"""The walking network: streets joined where they share a vertex, in metres, ready for exact distances."""

from gridgeo.network.graph import DEFAULT_MAX_ACCESS_M, Network, build_network, close_streets, set_gates

__all__ = ["DEFAULT_MAX_ACCESS_M", "Network", "build_network", "close_streets", "set_gates"]
