"""A repair that was reported is confirmed or answered *not yet*, in time, by the site's own state alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from aldea.collector.commanding import repairs as judging
from aldea.collector.commanding.answers import take_repair
from aldea.collector.commanding.repairs import DEADLINE_MS, LATE_MS, SETTLE_MS, RepairJudge
from aldea.collector.commanding.rows import DocumentRow
from aldea.model.clock import ManualClock
from aldea.storage.register import Register, Unit
from aldea.storage.register.commands import DeviceCommand, commands_of
from aldea.storage.register.devices import retire_device
from aldea.storage.register.incidents import Incident, IncidentState, incident_events, put_incident
from aldea.storage.register.repairs import Repair, repairs_of
from aldea.storage.register.status import Presence, StatusUpdate, upsert_status

MINUTE = 60_000


@dataclass
class Court:
    """A judge with a register, and what happens at the site."""

    register: Register
    clock: ManualClock = field(default_factory=ManualClock)
    seq: int = 0

    def __post_init__(self) -> None:
        self.judge = RepairJudge(self.register, self.clock)

    @property
    def now(self) -> int:
        return self.clock.wall_ms()

    def heard(self, site: str = "norte-01") -> None:
        update = StatusUpdate(
            site, "agent", arrival_ms=self.now, presence=Presence.ONLINE, presence_ms=self.now, connection=self.seq + 1
        )
        with self.register.transaction() as unit:
            upsert_status(unit, [update])

    def said(self, repair: str = "r1", said_ms: int | None = None) -> None:
        self.seq += 1
        fields = {"repair": repair, "findings": json.dumps([{"key": "cable", "state": "ok"}]), "note": "new cable"}
        row = DocumentRow("norte-01", "agent", "e1", self.seq, said_ms or self.now, self.now, "repair", fields)
        with self.register.transaction() as unit:
            take_repair(unit, row)

    def incident(self, state: IncidentState, number: str = "i1", site: str | None = "norte-01") -> None:
        one = Incident(
            number,
            site,
            "site-silent",
            state,
            self.now,
            fired_ms=self.now,
            resolved_ms=self.now if state is IncidentState.RESOLVED else None,
            summary={"sentence": {"es": "No se recibe al sitio.", "en": "The site is not heard."}},
        )
        with self.register.transaction() as unit:
            put_incident(unit, one)

    def pass_by(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds)
        self.judge.step()

    def answers(self) -> list[dict[str, Any]]:
        return [dict(one.payload) for one in self.commands()]

    def commands(self) -> tuple[DeviceCommand, ...]:
        with self.register.reading() as unit:
            return commands_of(unit, "norte-01", kinds=["repair_answer"])

    def events(self, incident: str) -> list[str]:
        with self.register.reading() as unit:
            return [event.kind for event in incident_events(unit, incident)]


@pytest.fixture
def court(register: Register) -> Court:
    return Court(register)


def test_with_the_site_up_and_nothing_open_it_is_confirmed_soon(court: Court) -> None:
    court.heard()
    court.said()
    court.pass_by(SETTLE_MS - 1)
    assert court.answers() == []
    court.pass_by(1)
    (answer,) = court.answers()
    assert (answer["repair"], answer["confirmed"]) == ("r1", True)
    assert answer["sentence_es"].startswith("Confirmado")
    assert answer["sentence_en"].startswith("Confirmed")
    court.pass_by(DEADLINE_MS)
    assert len(court.answers()) == 1


def test_while_an_incident_fires_nothing_is_said_until_it_is_over(court: Court) -> None:
    court.incident(IncidentState.FIRING)
    court.clock.advance(60 * MINUTE)
    court.heard()
    court.said()
    court.pass_by(5 * MINUTE)
    assert court.answers() == []
    court.heard()
    court.incident(IncidentState.RESOLVED)
    court.pass_by(1_000)
    assert court.answers()[0]["confirmed"] is True
    assert court.events("i1") == ["repair_said", "repair_judged"]


def test_after_nine_minutes_the_incident_that_still_fires_is_named_with_its_time(court: Court) -> None:
    court.incident(IncidentState.FIRING)
    court.clock.advance(60 * MINUTE)
    court.heard()
    court.said()
    court.pass_by(DEADLINE_MS - 1)
    assert court.answers() == []
    court.pass_by(1)
    (answer,) = court.answers()
    assert answer["confirmed"] is False
    assert "The site is not heard" in answer["sentence_en"]
    assert "No se recibe al sitio" in answer["sentence_es"]
    assert court.events("i1") == ["repair_said", "repair_judged"]


def test_a_site_that_fell_silent_again_is_answered_not_yet(court: Court) -> None:
    court.heard()
    with court.register.transaction() as unit:
        lost = StatusUpdate("norte-01", "agent", presence=Presence.OFFLINE, presence_ms=court.now + 1, connection=9)
        upsert_status(unit, [lost])
    court.said()
    court.pass_by(DEADLINE_MS)
    (answer,) = court.answers()
    assert answer["confirmed"] is False
    assert "has not heard the site since" in answer["sentence_en"]


def test_incidents_of_others_do_not_count(court: Court) -> None:
    court.incident(IncidentState.FIRING, "other", "sur-02")
    court.incident(IncidentState.FIRING, "platform", None)
    court.heard()
    court.said()
    court.pass_by(SETTLE_MS)
    assert court.answers()[0]["confirmed"] is True
    assert court.events("other") == court.events("platform") == []


def test_one_that_was_heard_late_is_judged_soon_after(court: Court) -> None:
    court.incident(IncidentState.FIRING)
    court.heard()
    court.said(said_ms=court.now - 8 * MINUTE - 30_000)
    court.pass_by(LATE_MS - 1)
    assert court.answers() == []
    court.pass_by(1)
    assert court.answers()[0]["confirmed"] is False


def test_one_said_while_the_link_was_cut_is_judged_after_the_incident_had_time_to_end(court: Court) -> None:
    court.incident(IncidentState.FIRING)
    court.heard()
    court.said(said_ms=court.now - 120 * MINUTE)
    court.pass_by(5 * MINUTE)
    assert court.answers() == []
    court.heard()
    court.incident(IncidentState.RESOLVED)
    court.pass_by(1_000)
    assert court.answers()[0]["confirmed"] is True


def test_two_judges_give_one_answer_and_the_same_repair_twice_is_one(court: Court) -> None:
    court.heard()
    court.said()
    court.said()
    court.clock.advance(SETTLE_MS)
    for _ in range(2):
        RepairJudge(court.register, court.clock).step()
    assert len(court.answers()) == 1
    with court.register.reading() as unit:
        (one,) = repairs_of(unit, "norte-01")
    assert one.state == "confirmed"
    assert one.verdict["reason"] == "in_order"


def test_a_verdict_stands_also_where_nobody_can_be_told(court: Court) -> None:
    court.heard()
    court.said()
    with court.register.transaction() as unit:
        retire_device(unit, "norte-01", "agent", court.now)
    court.pass_by(DEADLINE_MS)
    with court.register.reading() as unit:
        assert repairs_of(unit, "norte-01")[0].state != "open"
    assert court.answers() == []


def test_one_that_cannot_be_judged_is_answered_in_time_and_keeps_nobody_waiting(
    court: Court, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    court.heard()
    court.said("broken")
    court.said("well")
    judge = judging.judged

    def judged(unit: Unit, one: Repair, now_ms: int) -> judging.Verdict:
        if one.id == "broken":
            raise KeyError("a zone that is none")
        return judge(unit, one, now_ms)

    monkeypatch.setattr(judging, "judged", judged)
    court.pass_by(SETTLE_MS)
    assert [(answer["repair"], answer["confirmed"]) for answer in court.answers()] == [("well", True)]
    court.pass_by(DEADLINE_MS - SETTLE_MS)
    told = {answer["repair"]: answer for answer in court.answers()}
    assert told["broken"]["confirmed"] is False
    assert "could not check" in told["broken"]["sentence_en"]
    assert caplog.text.count("cannot be judged") == 1
