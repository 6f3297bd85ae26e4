"""How pages look: bright and dark, in Chinese type, with room for the map, and without words in a foreign language."""

from __future__ import annotations

from typing import Any

from app.state.settings import read_settings
from gridgeo.texts import text

FONT = "Noto Sans SC, Source Han Sans SC, Noto Sans CJK SC, Microsoft YaHei, PingFang SC, sans-serif"

# The blue is Okabe and Ito's; every pair of text and ground keeps a contrast of 4.5 at least.
LIGHT = {
    "primaryColor": "#0072B2",
    "textColor": "#1f2933",
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f1f4f7",
    "linkColor": "#005a8c",
    "borderColor": "#c9d2da",
    "grayTextColor": "#4a5763",
}
DARK = {
    "primaryColor": "#56B4E9",
    "textColor": "#eef2f6",
    "backgroundColor": "#14181d",
    "secondaryBackgroundColor": "#20262d",
    "linkColor": "#7cc4f0",
    "borderColor": "#46515c",
    "grayTextColor": "#b6c2cd",
}
_ALWAYS = {"font": FONT, "baseRadius": "8px", "baseFontSize": "16", "showWidgetBorder": "true"}

# Streamlit's own buttons and labels speak English only: they are hidden, or their words replaced, where a reader would
# meet them.
_STYLE = """<style>
.stMainBlockContainer {{ padding: 4.1rem 1.4rem 1rem; }}
.stMainBlockContainer h3 {{ font-size: 1.35rem; line-height: 1.3; padding: 0 0 0.4rem; }}
[data-testid="stMetric"], [data-testid="stMetric"] > div {{ padding: 0.15rem 0.5rem !important; }}
[data-testid="stMetricValue"] {{ font-size: 1.7rem; line-height: 1.25; font-variant-numeric: tabular-nums; }}
[data-testid="stMetricDelta"] {{ font-size: 0.82rem; }}
[data-testid="stVerticalBlock"] {{ gap: 0.6rem; }}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {{ color: light-dark({gray}) !important; }}
button[kind^="primary"], button[kind^="primary"] p {{ color: light-dark({ink}) !important; }}
[data-testid="stMainMenu"], [data-testid="stElementToolbar"], [data-testid="stStatusWidget"] {{ display: none; }}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {{ color: inherit; opacity: 1; }}
[data-testid="InputInstructions"] {{ display: none; }}
/* What opens over the page lies outside of it, and would be read as bright. */
[data-testid="stPopoverBody"] {{ color-scheme: {scheme}; }}
/* An address of no page opens the first one; Streamlit would say so in English only. No page here has a dialog. */
[data-testid="stDialog"] {{ display: none; }}
[data-testid="stFileUploaderDropzoneInstructions"] {{ display: none; }}
[data-testid="stFileUploaderDropzone"] button p {{ font-size: 0; }}
[data-testid="stFileUploaderDropzone"] button p::after {{ content: "{upload}"; font-size: 1rem; }}
.st-key-printed {{ display: none; }}
/* Four words beside the map of a small screen. */
.st-key-redraw_view button {{ padding-inline: 0.55rem; }}
@media print {{
  @page {{ size: A4; margin: 12mm; }}
  [data-testid="stHeader"], [data-testid="stButton"], [data-testid="stDownloadButton"], [data-testid="stPopover"],
  [data-testid="stButtonGroup"], [data-testid="stTabs"], [data-testid="stDataFrame"],
  [data-testid="stExpander"] {{ display: none !important; }}
  .stMainBlockContainer {{ padding: 0; }}
  [data-testid="stHorizontalBlock"] {{ display: block; }}
  [data-testid="stColumn"] {{ width: 100% !important; }}
  iframe {{ width: 970px !important; transform: scale(0.72); transform-origin: 0 0; }}
  [data-testid="stElementContainer"]:has(iframe) {{ height: 432px !important; overflow: hidden; }}
  .st-key-figures, .st-key-figures > [data-testid="stVerticalBlock"] {{
    display: grid !important; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 0.4rem; }}
  .st-key-figures > * {{ width: auto !important; }}
  .st-key-printed {{ display: flex; break-inside: avoid; }}
}}
/* Streamlit tells of a lost connection in English only, where it is hidden above. */
[data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])::after {{
  content: "{lost}"; position: fixed; left: 50%; bottom: 1.5rem; transform: translateX(-50%); z-index: 1000000;
  padding: 0.6rem 1.2rem; border-radius: 8px; background: #7a2e0e; color: #ffffff; font-size: 1rem; }}
[data-testid="stFileUploader"]:has([data-testid="stFileChipIconError"])::after {{
  content: "{refused}"; color: light-dark(#9b1c1c, #ffb4b4); font-size: 0.95rem; }}
</style>"""


def theme_options(theme: str) -> dict[str, str | None]:
    """Return Streamlit's options for a theme.

    Parameters
    ----------
    theme : {'auto', 'light', 'dark'}
        Both, as the browser asks; or one for everybody.

    Returns
    -------
    dict
        Option → value, None where it is not to be set.
    """
    one = None if theme == "auto" else LIGHT if theme == "light" else DARK
    options: dict[str, str | None] = {f"theme.{name}": value for name, value in _ALWAYS.items()}
    options["theme.base"] = None if one is None else theme
    for name, bright in LIGHT.items():
        options[f"theme.{name}"] = None if one is None else one[name]
        options[f"theme.light.{name}"] = bright if one is None else None
        options[f"theme.dark.{name}"] = DARK[name] if one is None else None
    return options


def apply_theme(theme: str) -> None:
    """Let every page look so from its next change on, without a new start of the server.

    Parameters
    ----------
    theme : {'auto', 'light', 'dark'}
        As for `theme_options`.
    """
    from streamlit import config  # noqa: PLC0415 - the server names its options before Streamlit is there

    for name, value in theme_options(theme).items():
        if config.get_option(name) != _typed(name, value):
            config.set_option(name, _typed(name, value))


def page_style() -> str:
    """Return the pages' style sheet, with the few words it holds in the reader's language.

    Returns
    -------
    str
        For ``st.html``.
    """
    gray, ink = (f"{LIGHT[name]}, {DARK[name]}" for name in ("grayTextColor", "backgroundColor"))
    scheme = {"auto": "light dark"}.get(read_settings().theme, read_settings().theme)
    return _STYLE.format(
        scheme=scheme,
        upload=text("app.upload"),
        refused=text("app.upload.refused"),
        lost=text("app.connection_lost"),
        gray=gray,
        ink=ink,
    )


def _typed(name: str, value: str | None) -> Any:  # noqa: ANN401 - whatever the option takes
    if name == "theme.baseFontSize" and value is not None:
        return int(value)
    return value == "true" if name == "theme.showWidgetBorder" else value
