"""Who may see and enter what: a partner her programme's records alone, a facilitator her region's sites."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.visitor import Held, Visitor
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.record_intake import programme_choices, writable_site
from aldea.dashboard_api.web.record_list import owed_reports, visible_records
from aldea.dashboard_api.web.record_page import found_record
from aldea.deploy.allinone.seeding import register_fleet
from aldea.model.clock import SystemClock
from aldea.storage.register.facts import fact_at
from aldea.storage.register.programmes import Programme, add_programme, assign_site, list_programmes
from aldea.storage.register.records import NewRecord, RecordFilter, list_records, put_records
from aldea.storage.register.simulated import remove_simulated
from dashboard_api.village import DAY, NOW_MS, Village

if TYPE_CHECKING:
    from aldea.storage.register import Unit

DAY_OF = datetime.fromtimestamp(NOW_MS / 1000, UTC).date()
RIGHTS = frozenset({Permission.VIEW, Permission.RECORD})
PARTNER = Visitor("p", held=(Held(RIGHTS, programme="sur"),))
ALL = RecordFilter()


def prepared(unit: Unit) -> None:
    for name in ("sur", "norte"):
        add_programme(unit, Programme(name, name, date(2024, 1, 1), None, {"attendance": "month"}))
        assign_site(unit, name, "escuela-01", NOW_MS - 50 * DAY)
    put_records(
        unit,
        [
            NewRecord(site, "attendance", "1", DAY_OF, {}, NOW_MS + number, programme, id=f"{site}-{programme or 'x'}")
            for number, (site, programme) in enumerate(
                [("escuela-01", "sur"), ("escuela-01", "norte"), ("escuela-01", ""), ("escuela-02", "aldeas")]
            )
        ],
    )


def seen(unit: Unit, visitor: Visitor, limit: int = 9) -> list[str]:
    return [item.id for item in visible_records(unit, visitor, ALL, NOW_MS, limit=limit, after=None)[0]]


def test_a_partner_sees_and_enters_her_own_programmes_records_alone(village: Village) -> None:
    with village.register.transaction() as unit:
        prepared(unit)
        assert seen(unit, PARTNER) == ["escuela-01-sur"]
        assert {item.programme for item in owed_reports(unit, PARTNER, f"{DAY_OF:%Y%m}", NOW_MS, simulated=False)} == {
            "sur"
        }
        place = writable_site(unit, PARTNER, "escuela-01", NOW_MS)
        assert programme_choices(unit, PARTNER, place, NOW_MS) == ("sur",)
        assert found_record(unit, PARTNER, "escuela-01-sur", NOW_MS)[0].programme == "sur"
        for hidden in ("escuela-01-norte", "escuela-01-x", "escuela-02-aldeas"):
            with pytest.raises(Problem) as refused:
                found_record(unit, PARTNER, hidden, NOW_MS)
            assert refused.value.status == 404
        with pytest.raises(Problem, match="escuela-02"):
            writable_site(unit, PARTNER, "escuela-02", NOW_MS)


def test_a_facilitator_sees_all_records_of_her_regions_sites_and_pages_have_no_gaps(village: Village) -> None:
    with village.register.transaction() as unit:
        prepared(unit)
        region = str(fact_at(unit, "escuela-01", "state_name", NOW_MS))
        facilitator = Visitor("f", held=(Held(RIGHTS, region=region),))
        assert seen(unit, facilitator) == ["escuela-01-x", "escuela-01-norte", "escuela-01-sur"]
        both = Visitor("b", held=(*PARTNER.held, Held(RIGHTS, programme="aldeas", region="nowhere")))
        assert seen(unit, both, limit=1) == ["escuela-01-sur"]
        assert seen(unit, Visitor("n", held=(Held(frozenset({Permission.VIEW})),))) == []


def test_the_simulated_programme_comes_with_the_fleet_and_leaves_without_a_trace(village: Village) -> None:
    with village.register.transaction() as unit:
        prepared(unit)
        remove_simulated(unit)
    register_fleet(village.register, SystemClock())
    with village.register.transaction() as unit:
        assert [item.simulated for item in list_programmes(unit)] == [True, False, False]
        made_up = list_records(unit, RecordFilter(simulated=True), limit=5000)
        assert len(made_up) > 800
        assert {item.programme for item in made_up} == {"aldeas-inteligentes"}
        remove_simulated(unit)
        assert [item.id for item in list_programmes(unit)] == ["norte", "sur"]
        assert len(list_records(unit)) == 4
