"""Made-up tables for the five programmes, at each programme's own size: the same seed gives the same tables."""

from gridgeo.examples.make import EXAMPLES, make_example

__all__ = ["EXAMPLES", "make_example"]
