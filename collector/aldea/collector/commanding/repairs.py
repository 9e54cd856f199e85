"""Judges repairs: whoever has mended something at a site hears whether the server sees it, within ten minutes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from aldea.model.liveness import SiteState, site_state
from aldea.storage.register.commands import queue_command
from aldea.storage.register.errors import RegisterError, RegisterUnavailableError
from aldea.storage.register.incidents import (
    Incident,
    IncidentState,
    add_incident_event,
    incidents_between,
    list_incidents,
)
from aldea.storage.register.pulses import site_pulses
from aldea.storage.register.repairs import Repair, RepairState, judge_repair, open_repairs
from aldea.storage.register.sites import find_site

if TYPE_CHECKING:
    from aldea.model.clock import Clock
    from aldea.storage.register import Register, Unit

_LOG = logging.getLogger(__name__)

SETTLE_MS = 10_000
"""No repair is confirmed sooner: what arrived with it has to be judged first."""

DEADLINE_MS = 9 * 60_000
"""So long after it was said, the answer is given as things stand: the page waits for ten minutes."""

LATE_MS = 60_000
"""One that was heard only when that time was nearly up is judged this soon after it was heard."""

PAGE_WAITS_MS = 10 * 60_000
"""When this is over the page has said that it was not heard: the site has just come back, and has its time again."""

ANSWER_LASTS_MS = 86_400_000
_MOST_INCIDENTS = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a repair: confirmed or not yet, the reason as a word, and a sentence in both languages."""

    confirmed: bool
    reason: str
    sentence_es: str
    sentence_en: str
    incident: str | None = None


_UNCLEAR = Verdict(
    confirmed=False,
    reason="unclear",
    sentence_es="Todavía no: el servidor no pudo comprobarlo. Avise a quien cuida el servidor.",
    sentence_en="Not yet: the server could not check it. Tell whoever looks after the server.",
)


class RepairJudge:
    """Looks at the open repairs. It is *confirmed* once the site is up and none of its own incidents fires.

    Incidents of the platform, or of a group of sites, are not the site's. Several judges with one register agree: the
    first one's word counts.
    """

    def __init__(self, register: Register, clock: Clock) -> None:
        self._register = register
        self._clock = clock

    def step(self) -> bool:
        """Judge what can be judged now; returns False. Raises RegisterUnavailableError when the register is away.

        One that cannot be judged is answered so when its time is up, and keeps nobody else waiting.
        """
        now_ms = self._clock.wall_ms()
        with self._register.reading() as unit:
            waiting = [one for one in open_repairs(unit) if now_ms >= one.heard_ms + SETTLE_MS]
        for one in waiting:
            verdict = self._verdict(one, now_ms)
            if verdict is None or not (verdict.confirmed or now_ms >= deadline_ms(one)):
                continue
            try:
                with self._register.transaction() as unit:
                    _answer(unit, one, verdict, now_ms)
            except RegisterUnavailableError:
                raise
            except Exception:  # noqa: BLE001 - as below
                _LOG.exception("the repair %s of %s cannot be answered", one.id, one.site)
        return False

    def _verdict(self, one: Repair, now_ms: int) -> Verdict | None:
        """Return what can be said of a repair, None while it cannot be judged and its time is not up."""
        try:
            with self._register.reading() as unit:
                return judged(unit, one, now_ms)
        except RegisterUnavailableError:
            raise
        except Exception:  # noqa: BLE001 - one that cannot be judged must not keep the others waiting
            if now_ms < deadline_ms(one):
                return None
            _LOG.exception("the repair %s of %s cannot be judged", one.id, one.site)
            return _UNCLEAR


def deadline_ms(one: Repair) -> int:
    """Return when the answer is due at the latest."""
    said_ms = one.heard_ms if one.said_ms is None else one.said_ms
    if one.heard_ms >= said_ms + PAGE_WAITS_MS:
        return one.heard_ms + DEADLINE_MS
    return min(one.heard_ms + DEADLINE_MS, max(said_ms + DEADLINE_MS, one.heard_ms + LATE_MS))


def judged(unit: Unit, one: Repair, now_ms: int) -> Verdict:
    """Return what can be said of a repair as things stand."""
    firing = list_incidents(unit, sites=[one.site], states=[IncidentState.FIRING], limit=_MOST_INCIDENTS)
    place = find_site(unit, one.site)
    zone = ZoneInfo(place.timezone) if place is not None else ZoneInfo("UTC")
    if firing:
        return _still_fires(min(firing, key=lambda found: found.opened_ms), zone, now_ms)
    pulse = next(iter(site_pulses(unit, sites=[one.site])), None)
    heard_ms = None if pulse is None else pulse.last_arrival_ms
    interval = None if pulse is None or pulse.interval_seconds is None else max(1, round(pulse.interval_seconds))
    online = None if pulse is None else pulse.online
    if site_state(now_ms, heard_ms, interval, online=online) is SiteState.UP:
        return Verdict(
            confirmed=True,
            reason="in_order",
            sentence_es="Confirmado: el servidor recibe al sitio y no queda ningún incidente abierto.",
            sentence_en="Confirmed: the server hears the site, and no incident is open.",
        )
    since = "" if heard_ms is None else _time(heard_ms, zone, now_ms)
    return Verdict(
        confirmed=False,
        reason="silent",
        sentence_es=f"Todavía no: el servidor no recibe al sitio{f' desde {since}' if since else ''}.",
        sentence_en=f"Not yet: the server has not heard the site{f' since {since}' if since else ''}.",
    )


def _still_fires(found: Incident, zone: ZoneInfo, now_ms: int) -> Verdict:
    since = _time(found.opened_ms, zone, now_ms)
    why = {code: _why(found, code) for code in ("es", "en")}
    return Verdict(
        confirmed=False,
        reason="incident",
        sentence_es=f"Todavía no: sigue abierto un incidente desde {since}{why['es']}",
        sentence_en=f"Not yet: an incident is still open since {since}{why['en']}",
        incident=found.id,
    )


def _why(found: Incident, code: str) -> str:
    texts = found.summary.get("sentence")
    text = texts.get(code) if isinstance(texts, dict) else None
    return f": {str(text)[:400].rstrip('.')}." if text else "."


def _time(ms: int, zone: ZoneInfo, now_ms: int) -> str:
    """Return the time of day at the site, with the day where it is another."""
    at, now = (datetime.fromtimestamp(each / 1000, zone) for each in (ms, now_ms))
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


def _answer(unit: Unit, one: Repair, verdict: Verdict, now_ms: int) -> None:
    """Keep the verdict, send it to the box, and write it into the timelines."""
    state = RepairState.CONFIRMED if verdict.confirmed else RepairState.NOT_YET
    told: dict[str, Any] = {
        "repair": one.id,
        "confirmed": verdict.confirmed,
        "sentence_es": verdict.sentence_es,
        "sentence_en": verdict.sentence_en,
    }
    if not judge_repair(unit, one.site, one.id, state, {**told, "reason": verdict.reason}, now_ms):
        return
    detail = {
        "repair": one.id,
        "confirmed": verdict.confirmed,
        "sentence": {"es": verdict.sentence_es, "en": verdict.sentence_en},
    }
    for found in incidents_between(unit, [one.site], one.heard_ms, now_ms + 1):
        add_incident_event(unit, found.id, now_ms, "repair_judged", detail)
    command_id = "repair-" + sha256(f"{one.site}/{one.id}".encode()).hexdigest()[:32]
    try:
        with unit.savepoint():
            queue_command(
                unit, one.site, one.device, "repair_answer", told, now_ms, now_ms + ANSWER_LASTS_MS, id=command_id
            )
    except RegisterUnavailableError:
        raise
    except RegisterError:
        return  # a device that is retired, or one that is simulated, hears nothing: the verdict stands all the same
