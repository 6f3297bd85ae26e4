"""gridgeo: governance grids along streets, and who can walk to a station."""
