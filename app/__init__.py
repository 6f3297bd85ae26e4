"""The web app: pages that show, gridgeo that computes."""
