"""A coverage in words: its distances as metres, or as minutes where it measures time, and what its figures rest on."""

from __future__ import annotations

from collections.abc import Sequence

from gridgeo.coverage.assess import list_services
from gridgeo.coverage.model import Coverage
from gridgeo.texts import LANGUAGES, catalogue, has_text, text


def word_cutoff(coverage: Coverage, lang: str | None = None) -> str:
    """Word how far a household may be to count as covered.

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    lang : {'zh', 'en'}, optional
        The language; the current one when left out.

    Returns
    -------
    str
        ``"300 m"``, or ``"15 min"`` of a coverage that was asked for in minutes.
    """
    minutes = coverage.cutoff_min
    if minutes is None:
        return text("walks.metres", lang, number=f"{coverage.cutoff_m:g}")
    return text("walks.minutes", lang, number=f"{minutes:g}")


def word_walk(coverage: Coverage, distance_m: float, lang: str | None = None) -> str:
    """Word how far a walk is, as the coverage measures walks.

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    distance_m : float
        One of its distances: metres, or the metres on the level that stand for a time.
    lang : {'zh', 'en'}, optional
        The language; the current one when left out.

    Returns
    -------
    str
        Whole metres, or minutes to one decimal.
    """
    if not coverage.network.timed:
        return text("walks.metres", lang, number=f"{round(distance_m):,}")
    return text("walks.minutes", lang, number=f"{distance_m / coverage.asked.pace.speed_m_per_min:.1f}")


def rate_name(coverage: Coverage) -> str:
    """Name the column of a table that holds the rates at a coverage's cutoff.

    Parameters
    ----------
    coverage : Coverage
        The coverage.

    Returns
    -------
    str
        ``"rate_300"``, or ``"rate_15min"``.
    """
    minutes = coverage.cutoff_min
    return f"rate_{coverage.cutoff_m:g}" if minutes is None else f"rate_{minutes:g}min"


def word_basis(coverages: Sequence[Coverage], lang: str | None = None) -> str:
    """Say in one sentence what the figures of a coverage rest on (口径).

    Parameters
    ----------
    coverages : sequence of Coverage
        One for each cutoff, asked alike; at least one.
    lang : {'zh', 'en'}, optional
        The language; the current one when left out.

    Returns
    -------
    str
        The sentence: what is measured, from where, up to which cutoffs; who walks to what and when, where that was
        asked.
    """
    first = coverages[0]
    asked, network = first.asked, first.network
    said = ""
    if asked.person is not None:
        name = asked.person.name
        person = text(f"walks.person.{name}", lang) if has_text(f"walks.person.{name}") else name
        said += text("walks.asked_person", lang, person=person, speed=f"{asked.person.speed_m_per_min:g}")
    if asked.service is not None:
        said += text("walks.asked_service", lang, service=asked.service)
    if asked.at is not None:
        said += text("walks.asked_at", lang, at=asked.at)
    return text(
        "walks.basis",
        lang,
        kind=text("walks.by_time" if network.timed else "walks.by_distance", lang),
        access=text("walks.metres", lang, number=f"{network.max_access_m:g}"),
        cutoffs=" / ".join(word_cutoff(each, lang) for each in coverages),
        asked=said,
    )


def word_kind(kind: str, lang: str | None = None) -> str:
    """Word a kind of station, or a service.

    Parameters
    ----------
    kind : str
        As it stands in the plan: ``community_service``, ``clinic``, or an office's own.
    lang : {'zh', 'en'}, optional
        The language; the current one when left out.

    Returns
    -------
    str
        The word, for a kind that gridgeo knows; any other as it is.
    """
    return text(f"kinds.{kind}", lang) if has_text(f"kinds.{kind}") else kind


def read_kind(word: str) -> str:
    """Return the kind that a reader means by a word: what `word_kind` says, read back.

    Parameters
    ----------
    word : str
        A word in either language, whatever its case; or an office's own.

    Returns
    -------
    str
        The kind as it stands in the plan; an office's own word as it is.
    """
    said = word.strip()
    known = {words[lang].casefold(): kind for kind, words in catalogue("kinds").items() for lang in LANGUAGES}
    return known.get(said.casefold(), said)


def word_services(services: object, lang: str | None = None) -> str | None:
    """Word a station's list of services.

    Parameters
    ----------
    services : object
        The list as it stands in the plan.
    lang : {'zh', 'en'}, optional
        The language; the current one when left out.

    Returns
    -------
    str or None
        The services, each worded; None where there are none.
    """
    return text("walks.list_mark", lang).join(word_kind(each, lang) for each in list_services(services)) or None
