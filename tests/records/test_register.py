"""Records and programmes in the register, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from aldea.storage.register import Register, RegisterConflictError, RegisterError, UnknownEntryError
from aldea.storage.register.facts import programmes_at
from aldea.storage.register.programmes import (
    Programme,
    add_programme,
    assign_site,
    change_programme,
    end_assignment,
    find_programme,
    list_programmes,
    memberships,
)
from aldea.storage.register.records import (
    NewRecord,
    Origin,
    RecordFilter,
    current_records,
    cursor_of,
    list_records,
    newest_version,
    put_record,
    put_records,
    record_versions,
    withdraw_record,
)
from aldea.storage.register.reporting import expected_reports
from aldea.storage.register.simulated import remove_simulated
from aldea.storage.register.sites import SiteState, add_sites, set_state
from storage.register.places import entry


def ms(year: int, month: int, day: int) -> int:
    return round(datetime(year, month, day, 6, tzinfo=UTC).timestamp() * 1000)


SINCE = ms(2025, 10, 1)
NEW = NewRecord("kancab", "attendance", "1", date(2025, 11, 3), {"unkeyed": 4}, ms(2025, 11, 4), token="abc")


@pytest.fixture
def places(register: Register) -> Register:
    with register.transaction() as unit:
        add_sites(unit, [entry(name, from_ms=SINCE) for name in ("kancab", "ticum")])
        add_sites(unit, [entry("sim", from_ms=SINCE, simulated=True)])
    return register


def test_a_record_sent_twice_is_stored_once_and_other_content_is_refused(places: Register) -> None:
    with places.transaction() as unit:
        first = put_record(unit, NEW)
        assert put_record(unit, replace(NEW, created_ms=NEW.created_ms + 5)) == first
        assert record_versions(unit, first.id) == (first,)
        with pytest.raises(RegisterConflictError, match="other content"):
            put_record(unit, replace(NEW, payload={"unkeyed": 5}))
        origin = replace(NEW, token=None, origin=Origin("agent", "e", 7), source="agent")
        assert put_record(unit, origin).id == put_record(unit, origin).id != first.id
        assert put_record(unit, replace(NEW, site="ticum")).id != first.id, "a token is of one site"


def test_corrections_and_withdrawals_keep_every_version(places: Register) -> None:
    with places.transaction() as unit:
        first = put_record(unit, NEW)
        change = replace(NEW, token="d", id=first.id, supersedes=1, payload={"unkeyed": 6}, reason="miscounted")
        second = put_record(unit, change)
        assert (second.version, second.supersedes, second.reason) == (2, 1, "miscounted")
        with pytest.raises(RegisterConflictError, match="somebody else"):
            put_record(unit, replace(change, token="e"))
        with pytest.raises(RegisterConflictError, match="withdraw it and enter a new one"):
            put_record(unit, replace(change, token="f", form="course"))
        with pytest.raises(RegisterError, match="reason is missing"):
            withdraw_record(unit, first.id, reason=" ", author=None, at_ms=9)
        with pytest.raises(UnknownEntryError, match="no record"):
            withdraw_record(unit, "none", reason="x", author=None, at_ms=9)
        gone = withdraw_record(unit, first.id, reason="wrong site", author="direccion", at_ms=9)
        assert withdraw_record(unit, first.id, reason="again", author=None, at_ms=10) == gone
        assert [(item.version, item.withdrawn, item.newest) for item in record_versions(unit, first.id)] == [
            (1, False, False),
            (2, False, False),
            (3, True, True),
        ]
        assert current_records(unit, {"attendance"}, date(2025, 11, 1), date(2025, 11, 30)) == ()
        back = put_record(unit, replace(change, token="g", supersedes=3))
        assert newest_version(unit, first.id) == back
        assert current_records(unit, {"attendance"}, date(2025, 11, 3), date(2025, 11, 3), ["kancab"]) == (back,)
        assert current_records(unit, {"attendance"}, date(2025, 11, 3), date(2025, 11, 3), ["ticum"]) == ()


def test_what_is_no_record_is_refused_in_a_sentence(places: Register) -> None:
    with places.transaction() as unit:
        with pytest.raises(UnknownEntryError, match="not registered"):
            put_record(unit, replace(NEW, site="nowhere"))
        with pytest.raises(RegisterError, match="source is 'fax'"):
            put_record(unit, replace(NEW, source="fax"))
        with pytest.raises(RegisterError, match="token must be"):
            put_record(unit, replace(NEW, token="x" * 65))
        with pytest.raises(RegisterError, match="no cursor"):
            list_records(unit, after="nonsense")


def test_lists_are_newest_first_and_paged_without_gaps(places: Register) -> None:
    with places.transaction() as unit:
        entries = [
            replace(NEW, token=None, id=f"r{n:02}", created_ms=n // 3, programme="p" * (n % 2)) for n in range(20)
        ]
        assert put_records(unit, [*entries, replace(NEW, site="sim", token=None)]) == 21
        found: list[str] = []
        after = None
        while page := list_records(unit, RecordFilter(simulated=False), limit=6, after=after):
            found += [item.id for item in page]
            after = cursor_of(page[-1])
        assert found == [f"r{n:02}" for n in reversed(range(20))]
        assert len(list_records(unit, RecordFilter(programmes=["p"]))) == 10
        assert [item.site for item in list_records(unit, RecordFilter(simulated=True))] == ["sim"]
        assert list_records(unit, RecordFilter(form="course")) == ()
        assert list_records(unit, RecordFilter(withdrawn=True, first_day=date(2025, 1, 1))) == ()


PROGRAMME = Programme("aldeas", "Aldeas", date(2025, 10, 1), None, {"attendance": "month", "project_use": "quarter"})


def test_programmes_come_back_change_and_refuse_what_cannot_be(places: Register) -> None:
    with places.transaction() as unit:
        add_programme(unit, PROGRAMME)
        assert list_programmes(unit) == (PROGRAMME,)
        change_programme(unit, replace(PROGRAMME, name="Otra", ends_on=date(2026, 1, 1), simulated=True))
        assert find_programme(unit, "aldeas") == replace(PROGRAMME, name="Otra", ends_on=date(2026, 1, 1))
        for wrong, words in (
            (replace(PROGRAMME, id="No!"), "id must be"),
            (replace(PROGRAMME, name=" "), "name must be"),
            (replace(PROGRAMME, ends_on=date(2025, 1, 1)), "before starts_on"),
            (replace(PROGRAMME, due_days=-1), "due_days"),
            (replace(PROGRAMME, duties={"course": "week"}), "use month or quarter"),
            (PROGRAMME, "already there"),
        ):
            with pytest.raises(RegisterError, match=words):
                add_programme(unit, wrong)
        with pytest.raises(UnknownEntryError, match="no programme"):
            change_programme(unit, replace(PROGRAMME, id="b"))


def test_sites_join_and_leave_on_a_day_and_simulated_ones_stay_apart(places: Register) -> None:
    with places.transaction() as unit:
        add_programme(unit, PROGRAMME)
        assert assign_site(unit, "aldeas", "kancab", SINCE)
        assert not assign_site(unit, "aldeas", "kancab", SINCE)
        assert end_assignment(unit, "aldeas", "kancab", ms(2025, 11, 1))
        assert programmes_at(unit, "kancab", SINCE) == ("aldeas",)
        assert programmes_at(unit, "kancab", ms(2025, 11, 2)) == ()
        assert [(item.site, item.to_ms) for item in memberships(unit, "aldeas")] == [("kancab", ms(2025, 11, 1))]
        with pytest.raises(RegisterError, match="never mixed"):
            assign_site(unit, "aldeas", "sim", SINCE)
        with pytest.raises(UnknownEntryError):
            assign_site(unit, "none", "kancab", SINCE)
        with pytest.raises(UnknownEntryError):
            assign_site(unit, "aldeas", "nowhere", SINCE)


def test_who_owes_what_is_known_with_explicit_zeros_and_quarters(places: Register) -> None:
    with places.transaction() as unit:
        add_programme(unit, PROGRAMME)
        for name in ("kancab", "ticum"):
            assign_site(unit, "aldeas", name, SINCE)
        set_state(unit, "ticum", SiteState.CLOSED, ms(2025, 12, 5))
        put_record(unit, replace(NEW, programme="aldeas"))
        nothing = replace(NEW, form="nothing", token="n", payload={"form": "attendance", "month": "202512"})
        put_record(unit, replace(nothing, event_date=date(2025, 12, 31)))
        put_record(unit, replace(NEW, form="project_use", token="p", event_date=date(2025, 10, 2), programme="other"))

        def owed(month: str) -> dict[tuple[str, str], str]:
            return {(item.site, item.form): item.state for item in expected_reports(unit, month)}

        assert owed("202511") == {
            ("kancab", "attendance"): "received",
            ("ticum", "attendance"): "missing",
            ("kancab", "project_use"): "missing",
            ("ticum", "project_use"): "missing",
        }
        assert owed("202512")[("kancab", "attendance")] == "zero"
        assert owed("202512")[("ticum", "attendance")] == "missing"
        assert ("ticum", "attendance") not in owed("202601"), "it was closed by then"
        assert owed("202509") == {}, "before anything began"
        (quarter,) = (item for item in expected_reports(unit, "202511", sites=["kancab"], forms=["project_use"]))
        assert (quarter.period, quarter.first_day, quarter.due_on) == ("2025Q4", date(2025, 10, 1), date(2026, 1, 10))
        set_state(unit, "ticum", SiteState.CLOSED, ms(2025, 10, 20))
        assert ("ticum", "attendance") not in owed("202511"), "closed before the month, within the quarter"
        assert ("ticum", "project_use") in owed("202511")
        with pytest.raises(RegisterError, match="give year and month"):
            expected_reports(unit, "2025-13")


def test_what_is_simulated_leaves_without_a_trace(places: Register) -> None:
    with places.transaction() as unit:
        add_programme(unit, replace(PROGRAMME, id="sims", simulated=True))
        assign_site(unit, "sims", "sim", SINCE)
        put_record(unit, replace(NEW, site="sim"))
        put_record(unit, NEW)
        remove_simulated(unit)
        assert list_programmes(unit) == ()
        assert [item.site for item in list_records(unit)] == ["kancab"]
        assert memberships(unit) == ()
