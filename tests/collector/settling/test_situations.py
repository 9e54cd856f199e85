"""Situations of the field, each a folder of golden/: what arrives when, and what is settled then.

`story.json` holds the sites, a window, and steps; after `settle` stand the intervals that must be there then, with
some of their evidence. The days are in November 2026, UTC.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aldea.storage.register.maintenance import Maintenance, add_maintenance, end_maintenance
from aldea.storage.register.sites import SiteState, set_state
from aldea.storage.register.truth import slot_day_revisions
from settlingkit.station import DAY, Station, at

GOLDEN = Path(__file__).with_name("golden")
SITUATIONS = sorted(folder.name for folder in GOLDEN.iterdir())


class Teller:
    """Does a story's steps."""

    def __init__(self, station: Station, story: dict[str, Any]) -> None:
        self.station = station
        self.window = (at(story["window"][0]), at(story["window"][1]))
        self.maintenance = ""
        for name, told in story["sites"].items():
            station.add(name, told.get("facts"), timezone=told.get("timezone", "America/Merida"))

    def deliver(self, told: dict[str, Any]) -> None:
        self.station.move(at(told["at"]))
        rows = self.station.rows([(at(a), at(b), kind) for a, b, kind in told["spans"]])
        for moment, uptime in told.get("router", []):
            rows.append((at(moment), ("snmp", {"target": "router"}, {"uptime_seconds": uptime})))
        for moment, fields in told.get("ups", []):
            rows.append((at(moment), ("power", {"source": "ups"}, fields)))
        rows += [(at(moment), (name, tags, fields)) for moment, name, tags, fields in told.get("rows", [])]
        rows.sort(key=lambda row: row[0])
        booted = told.get("booted")
        self.station.deliver(told["site"], rows, told.get("boot", "boot-1"), *([] if booted is None else [at(booted)]))

    def unplaced(self, told: dict[str, Any]) -> None:
        self.station.move(at(told["at"]))
        self.station.know_boot(told["site"], told["boot"], None, self.station.clock.wall_ms())
        self.station.tell(told["site"], None, None, boot=told["boot"])

    def boot(self, told: dict[str, Any]) -> None:
        """A boot is known to have lasted until then."""
        self.station.know_boot(told["site"], told["boot"], at(told["booted"]), at(told["last"]))

    def placed(self, told: dict[str, Any]) -> None:
        """The boot has found its place: its rows are written there; no new event tells of it."""
        station = self.station
        rows = station.rows([(at(a), at(b), kind) for a, b, kind in told["spans"]])
        station.place(told["site"], rows, told["boot"], at(told["booted"]))

    def outage(self, told: list[str]) -> None:
        self.station.move(at(told[0]))
        self.station.clock.step_wall(at(told[1]) - at(told[0]))
        self.station.report(at(told[1]))

    def state(self, told: dict[str, Any]) -> None:
        with self.station.register.transaction() as unit:
            set_state(unit, told["site"], SiteState(told["state"]), at(told["from"]))

    def maintenance_window(self, told: dict[str, Any]) -> None:
        window = Maintenance(
            site=told["site"],
            from_ms=at(told["from"]),
            to_ms=at(told["to"]),
            announced_ms=at(told["announced"]),
            reason="mast",
        )
        with self.station.register.transaction() as unit:
            self.maintenance = add_maintenance(unit, window).id

    def end_maintenance(self, moment: str) -> None:
        with self.station.register.transaction() as unit:
            end_maintenance(unit, self.maintenance, at(moment))

    def revisions(self, told: dict[str, Any]) -> None:
        with self.station.register.reading() as unit:
            found = slot_day_revisions(unit, told["site"], at(f"{told['day']} 00:00") // DAY)
        assert [item.revision for item in found] == list(range(1, told["count"] + 1))

    def expect(self, sites: dict[str, Any]) -> None:
        for site, expected in sites.items():
            found = self.station.intervals(site, *self.window)
            assert self.station.told(site, *self.window) == [tuple(item[:4]) for item in expected], site
            for interval, item in zip(found, expected, strict=True):
                wanted = item[4] if len(item) > 4 else {}
                assert {key: interval.evidence.get(key) for key in wanted} == wanted


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_situation_is_settled_as_its_story_says(situation: str, station: Station) -> None:
    story = json.loads((GOLDEN / situation / "story.json").read_text(encoding="utf-8"))
    teller = Teller(station, story)
    for step in story["steps"]:
        if "settle" in step:
            station.settle(at(step["settle"]))
            teller.expect({name: told for name, told in step.items() if name != "settle"})
        else:
            ((name, told),) = step.items()
            getattr(teller, "maintenance_window" if name == "maintenance" else name)(told)
