"""The app's pages, one module each: they show what `gridgeo` computed and compute nothing themselves.

Not called ``pages``: Streamlit would take a folder of that name beside ``main.py`` for its own kind of pages.
"""
