"""What lists write hundreds of times is made of kept parts: it must read as if each were written anew."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_timedelta
from hypothesis import given
from hypothesis import strategies as st

from aldea.dashboard_api.directory import Listed, cut, shelved
from aldea.dashboard_api.web.shown import Shown
from aldea.dashboard_api.web.words import Language, load_languages
from aldea.model.liveness import SiteState
from aldea.storage.register.pulses import Pulse

LANGUAGES = load_languages()
NOW = 1_780_000_000_000
STATES = (SiteState.DOWN, SiteState.SUSPECT, SiteState.UNKNOWN, SiteState.UP)


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_a_length_of_time_reads_as_babel_writes_it(language: Language) -> None:
    shown = Shown(language, NOW)
    for seconds in (*range(5, 9000, 7), *range(9000, 40_000_000, 86_413)):
        past = timedelta(seconds=-seconds)
        wanted = format_timedelta(past, add_direction=True, locale=language.formats, threshold=1.2)
        assert shown.ago(NOW - 1000 * seconds) == wanted, seconds


def test_a_moment_names_its_zone_also_where_the_language_has_no_short_name() -> None:
    juarez, winter, summer = ZoneInfo("America/Ciudad_Juarez"), 1_768_478_400_000, 1_784_116_800_000
    spanish, english = (Shown(LANGUAGES[code], NOW) for code in ("es", "en"))
    assert spanish.exact(winter, juarez) == "15 ene 2026, 05:00:00 UTC-7"
    assert spanish.exact(summer, juarez) == "15 jul 2026, 06:00:00 UTC-6"
    assert english.exact(summer, juarez).endswith("06:00:00 MDT")
    assert spanish.minute(winter, ZoneInfo("Asia/Kolkata")) == "15 ene 2026, 17:30 UTC+5:30"


def test_programs_that_did_something_are_named_in_the_readers_language_and_people_as_they_are_called() -> None:
    spanish = Shown(LANGUAGES["es"], NOW)
    said = [spanish.who(author) for author in ("command line", "rollout 0.2.0", "demo", "Somebody", "")]
    assert said[:3] == ["línea de comandos", "distribución de la versión 0.2.0", "Administrador de demostración"]
    assert said[3:] == ["Somebody", ""]


@given(
    st.lists(st.tuples(st.sampled_from("abÁz"), st.booleans(), st.sampled_from(STATES)), max_size=25),
    st.sampled_from((None, *STATES)),
    st.integers(1, 6),
)
def test_pages_cut_from_shelves_make_the_whole_list_in_order(
    made: list[tuple[str, bool, SiteState]], state: SiteState | None, size: int
) -> None:
    sites = [
        Listed(Pulse(f"s{number}", name, simulated, None, None, None), found)
        for number, (name, simulated, found) in enumerate(made)
    ]
    shelves = shelved(sites)
    paged = [one for first in range(0, len(sites), size) for one in cut(shelves, state, first, first + size)]
    names = {"a": 0, "Á": 0, "b": 1, "z": 2}
    wanted = sorted(
        (site for site in sites if state in {None, site.state}),
        key=lambda site: (
            site.pulse.simulated,
            STATES.index(site.state),
            names[site.pulse.name],
            site.pulse.site,
        ),
    )
    assert paged == wanted
