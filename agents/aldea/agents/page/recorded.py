"""The evidence that is there without asking anybody: what was recorded last, and what the uplink hears."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aldea.agents.checkup.broker import look_at_enrolment
from aldea.agents.checkup.collecting import network
from aldea.agents.checkup.evidence import Box, BrokerAnswer, Delivering, Evidence
from aldea.agents.page.latest import LatestReadings, Seen, newest_round
from aldea.agents.settings import AgentSettings
from aldea.model.sample import Reading


@dataclass(frozen=True, slots=True)
class UplinkState:
    """What the uplink hears, in times since boot. `heard_ms`: the collector's last answer; `trouble`: why none."""

    online: bool = False
    opened_ms: int | None = None
    heard_ms: int | None = None
    trouble: str = ""

    def delivering(self, now_ms: int) -> Delivering:
        """Return it as the checks want it."""
        since_ms = max(self.opened_ms or now_ms, self.heard_ms or 0)
        return Delivering(self.online, now_ms - since_ms)


def evidence_without_outbox(settings: AgentSettings, box: Box) -> Evidence:
    """Return what is known where nothing is measured since nothing can be recorded: the box itself, and its cable."""
    broker = settings.broker
    return Evidence(
        power=(),
        box=box,
        network=network(Path("/"), settings.interfaces),
        broker=BrokerAnswer(f"{broker.host}:{broker.port}", asked=False),
        enrolled=look_at_enrolment(settings),
    )


def recorded_evidence(
    settings: AgentSettings, latest: LatestReadings, uplink: UplinkState, now_ms: int, box: Box
) -> Evidence:
    """Return what is known without looking anew, besides the `box` itself.

    What is older than the anchors' silence is left out: a page that opened before the link was cut opens no more.
    """
    anchors = newest_round(latest.of("ping", "anchor"))
    dead_since = _dead_since(anchors)
    broker = settings.broker
    heard = uplink.online and (dead_since is None or (uplink.heard_ms or 0) > dead_since)
    where = f"{broker.host}:{broker.port}"
    return Evidence(
        power=_readings(latest.of("power"), None),
        box=box,
        network=network(Path("/"), settings.interfaces),
        ping=_readings([*newest_round(latest.of("ping", "gateway")), *anchors], None),
        devices=_readings(newest_round(latest.of("snmp")), None),
        dns=_readings(newest_round(latest.of("dns")), dead_since),
        http=_readings(newest_round(latest.of("http")), dead_since),
        broker=BrokerAnswer(where, None, accepted=True) if heard else _away(where, uplink),
        enrolled=look_at_enrolment(settings),
        delivering=uplink.delivering(now_ms),
        anchor_silent_ms=None if dead_since is None else now_ms - dead_since,
        router_is_mute=router_is_mute(latest),
    )


def anchor_silent_ms(latest: LatestReadings, now_ms: int) -> int | None:
    """Return for how long no anchor has answered, as recorded; None while one does, or none was asked."""
    dead_since = _dead_since(newest_round(latest.of("ping", "anchor")))
    return None if dead_since is None else now_ms - dead_since


def router_is_mute(latest: LatestReadings) -> bool:
    """Say whether the router has never answered an echo, although the Internet behind it has."""
    routers, anchors = latest.of("ping", "gateway"), latest.of("ping", "anchor")
    return (
        bool(routers)
        and all(item.ok_ms is None for item in routers)
        and any(item.ok_ms is not None for item in anchors)
    )


def _away(where: str, uplink: UplinkState) -> BrokerAnswer:
    refused = "refuses the connection" in uplink.trouble or "access rules" in uplink.trouble
    if refused:
        return BrokerAnswer(where, None, accepted=False, said=uplink.trouble)
    return BrokerAnswer(where, "no_reply", said=uplink.trouble)


def internet_since(anchors: list[Seen]) -> int | None:
    """Return since when the Internet has been as it is now, by the anchors of the newest round; None without any.

    It answers as long as one of them does, and is silent since the last one fell silent. Those before the last may
    not have been asked since an earlier silence, which says nothing of this one.
    """
    answering = [item.since_ms for item in anchors if not item.failed]
    return min(answering) if answering else max((item.since_ms for item in anchors), default=None)


def _dead_since(anchors: list[Seen]) -> int | None:
    return None if any(not item.failed for item in anchors) else internet_since(anchors)


def _readings(items: list[Seen], not_before_ms: int | None) -> list[Reading]:
    return [item.reading for item in items if not_before_ms is None or item.at_ms >= not_before_ms]
