"""What simulated villages report: the same for the same seed, right by the forms' own checks, and of every kind."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from aldea.model.forms import Moment, load_forms, validate
from aldea.simulator.fleet import registrations
from aldea.simulator.records import DUTIES, population_of, records_of

FIRST, LAST = date(2025, 10, 14), date(2025, 11, 22)
MOMENT = Moment(datetime(2025, 11, 23, 9, tzinfo=UTC), FIRST)


def test_every_record_is_what_its_form_would_have_stored() -> None:
    forms = load_forms()
    for site in registrations():
        for record in records_of(site, 1, FIRST, LAST):
            typed = {**record.payload, "event_date": record.day.isoformat()}
            checked = validate(forms[record.form], typed, MOMENT)
            assert checked.faults == ()
            assert checked.payload == record.payload
            assert record.form in forms
            assert FIRST <= record.day <= LAST


def test_the_same_seed_gives_the_same_records_and_another_seed_others() -> None:
    site = registrations()[0]
    assert records_of(site, 1, FIRST, LAST) == records_of(site, 1, FIRST, LAST)
    assert records_of(site, 2, FIRST, LAST) != records_of(site, 1, FIRST, LAST)
    assert population_of(site, 1) == population_of(site, 1)


def test_some_report_everything_some_nothing_and_some_not_at_all() -> None:
    counts = [Counter(record.form for record in records_of(site, 1, FIRST, LAST)) for site in registrations()]
    assert 1 <= sum(not count for count in counts) <= 15
    assert sum(set(count) == {"nothing"} for count in counts) >= 3
    assert sum(set(DUTIES) <= set(count) for count in counts) >= 20
    services = [
        service
        for site in registrations()
        for record in records_of(site, 1, FIRST, LAST)
        for service in record.payload.get("services", ())
    ]
    assert any(service["travel_hours_avoided"] == 0 for service in services), "zeros are part of the mean"
    assert all(100 < population_of(site, 1).adults < population_of(site, 1).everybody for site in registrations())


def test_a_month_that_goes_on_is_not_yet_called_empty() -> None:
    for site in registrations():
        months = {r.payload["month"] for r in records_of(site, 1, FIRST, LAST) if r.form == "nothing"}
        assert months <= {"202510"}
    assert timedelta(days=39) == LAST - FIRST
