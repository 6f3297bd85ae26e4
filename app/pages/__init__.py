"""The app's pages, one module each: they show what `gridgeo` computed and compute nothing themselves."""
