"""Which plan is open, where it lies, and how to take it along or open another."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import streamlit as st

from app.parts import downloads
from app.parts.widgets import plain
from app.state import plans, sign_in
from app.state.workspace import open_workspace
from gridgeo.plan import Plan
from gridgeo.store import ENCODINGS, FORMATS, export_plan
from gridgeo.texts import text


def show_plan(path: Path) -> None:
    """Draw the card.

    Parameters
    ----------
    path : Path
        The plan file.
    """
    workspace = open_workspace(path)
    plan = workspace.current().plan
    said, other, away = st.columns([12, 3, 3], vertical_alignment="center")
    where = text("app.plan.copy" if workspace.is_copy else "app.plan.file", file=workspace.target)
    said.markdown(f"**{plain(str(plan.info.name))}** · {plain(where)}")
    with other.popover(text("app.plan.other"), width="stretch"):
        for known in plans.known_plans():
            choose = partial(plans.choose_plan, known.key)
            st.button(plain(known.path.name), key=f"known_{known.key}", on_click=choose, width="stretch")
        st.button(text("app.plan.close"), key="close_plan", on_click=plans.close_plan, width="stretch")
    with away.popover(text("app.plan.export"), width="stretch"):
        form = st.selectbox(text("app.plan.format"), FORMATS, key="export_format")
        encoding = st.selectbox(text("app.plan.encoding"), ENCODINGS, key="export_encoding")
        public = st.checkbox(text("app.plan.public"), key="export_public", help=text("app.plan.public_help"))
        make = partial(pack_plan, plan, form, encoding, public=public or not sign_in.reader().may_edit)
        name = f"{plans.file_stem(str(plan.info.name))}-{form}.zip"
        st.download_button(text("app.plan.get"), make, file_name=name, mime="application/zip", on_click="ignore")


def pack_plan(plan: Plan, form: str, encoding: str, *, public: bool) -> bytes:
    """Export a plan as one ZIP file.

    Parameters
    ----------
    plan : Plan
        The plan.
    form, encoding : str
        As for `gridgeo.store.export_plan`.
    public : bool
        Whether only sums by area, small counts hidden.

    Returns
    -------
    bytes
        The ZIP.

    Raises
    ------
    GridgeoError
        If the plan cannot be written so.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = export_plan(plan, folder, format=form, encoding=encoding, public=public)
        return downloads.zip_files(done.files)
