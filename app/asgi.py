"""The app as Streamlit's server runs it: the pages of ``main.py`` behind the guard."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from app.serving import chunks, news
from app.serving.guard import Guard
from app.serving.page import ROUTES

_OWN = [chunks.ROUTE, news.ROUTE, *ROUTES]

app = st.App(Path(__file__).parent / "main.py", middleware=[Middleware(Guard)], routes=_OWN)
