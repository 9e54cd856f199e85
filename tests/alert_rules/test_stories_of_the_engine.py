"""What the engine makes of the time in which it did not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.storage.register.alert_state import read_alert_states
from alertkit import HOUR, MINUTE, SECOND, Country

if TYPE_CHECKING:
    from aldea.storage.register import Register


@pytest.mark.parametrize("died", [True, False])
def test_after_its_own_downtime_the_engine_judges_by_the_arrivals_it_has_caught_up_with(
    country: Country, died: bool
) -> None:
    country.add("uno", "dos")
    country.run(300)
    country.engine_up = False
    if died:
        country.cut("uno")
    country.run(HOUR // SECOND, every=20)
    country.restart_engine()
    country.engine_up = True
    country.run(10)
    assert country.firing() == (["uno"] if died else [])


def test_after_a_night_in_which_the_whole_server_was_off_nobody_is_paged_for_it(country: Country) -> None:
    country.add("uno", "dos")
    country.run(300)
    country.engine_up = country.collector_up = False
    country.run(9 * HOUR // SECOND, every=600)
    country.collector_up = country.engine_up = True
    country.restart_engine()
    country.judge()
    country.run(30 * 60, every=20)
    assert [word for word in country.told.words() if word[0] == "fired"] == []


def test_the_first_engine_ever_starts_from_the_live_status_not_from_the_whole_feed(register: Register) -> None:
    country = Country(register)
    country.engine_up = False
    country.add("uno")
    country.cut("uno")
    country.run(MINUTE // SECOND)
    country.engine_up = True
    country.run(60)
    with register.reading() as unit:
        assert read_alert_states(unit)["site_silent", "uno"]["evidence"][0] is None
