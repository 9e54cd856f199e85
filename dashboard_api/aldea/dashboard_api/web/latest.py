"""The newest values of a site: the few that matter at a glance, and all of them in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from aldea.dashboard_api.charts.panels import HIDDEN_INTERFACES, N_
from aldea.dashboard_api.web.shown import Shown
from aldea.model.catalogue import CATALOGUE
from aldea.model.failures import Failure
from aldea.model.series import Latest

FAILURE_WORDS: Mapping[str, str] = {
    Failure.NO_REPLY: N_("no reply"),
    Failure.CONNECT_TIMEOUT: N_("no connection in time"),
    Failure.CONNECTION_REFUSED: N_("connection refused"),
    Failure.CONNECTION_RESET: N_("connection broken off"),
    Failure.HOST_UNREACHABLE: N_("host unreachable"),
    Failure.NETWORK_UNREACHABLE: N_("network unreachable"),
    Failure.NO_ROUTE: N_("no route"),
    Failure.READ_TIMEOUT: N_("no answer in time"),
    Failure.DNS_TIMEOUT: N_("DNS: no answer in time"),
    Failure.DNS_NXDOMAIN: N_("DNS: the name does not exist"),
    Failure.DNS_SERVFAIL: N_("DNS: the server failed"),
    Failure.DNS_REFUSED: N_("DNS: refused"),
    Failure.DNS_NO_ANSWER: N_("DNS: empty answer"),
    Failure.DNS_FAILED: N_("DNS failed"),
    Failure.TLS_CERTIFICATE_INVALID: N_("certificate not valid"),
    Failure.TLS_FAILED: N_("encryption failed"),
    Failure.HTTP_STATUS: N_("the page answered with an error"),
    Failure.HTTP_INVALID: N_("the answer can't be read"),
    Failure.CAPTIVE_PORTAL: N_("the provider's portal answers"),
    Failure.SNMP_TIMEOUT: N_("the router does not answer (SNMP)"),
    Failure.SNMP_AUTHENTICATION: N_("the router refuses the password (SNMP)"),
    Failure.SNMP_NO_SUCH_OBJECT: N_("the router does not offer this (SNMP)"),
    Failure.SNMP_ERROR: N_("the router reports an error (SNMP)"),
    Failure.PERMISSION_DENIED: N_("not permitted"),
    Failure.NOT_AVAILABLE: N_("not available here"),
    Failure.PROBE_TIMEOUT: N_("the measurement took too long"),
    Failure.PROBE_CRASHED: N_("the measurement itself failed"),
    Failure.UNKNOWN: N_("failed, cause not known"),
    Failure.SERVER_BUSY: N_("the test server is busy"),
    Failure.BUDGET_SPENT: N_("the month's bytes for this are spent"),
    Failure.INTERRUPTED: N_("interrupted: the agent was stopped"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure at a glance; `note` says of what, `failed` what went wrong instead."""

    label: str
    value: str
    note: str
    seen_ms: int
    ago: str
    failed: bool


@dataclass(frozen=True, slots=True)
class LatestRow:
    """The newest row of a series."""

    title: str
    tags: str
    values: Sequence[tuple[str, str]]
    failure: str
    seen_ms: int
    ago: str
    exact: str


def failure_words(word: str, shown: Shown) -> str:
    """Return what a failure word means; the word itself where it is newer than this program."""
    return shown.say(FAILURE_WORDS[word]) if word in FAILURE_WORDS else word


def latest_rows(rows: Sequence[Latest], shown: Shown, zone: ZoneInfo, *, several: bool) -> list[LatestRow]:
    """Return a table row for each series, in order of measurement and tags."""
    found: list[LatestRow] = []
    for row in rows:
        entry = CATALOGUE.get(row.measurement)
        tags = [value for _, value in row.tags] + ([row.device] if several else [])
        failure = row.fields.get("failure")
        values = [
            (shown.field(row.measurement, name), shown.value(row.measurement, name, value))
            for name, value in row.fields.items()
            if name != "failure" and value is not None
        ]
        found.append(
            LatestRow(
                title=row.measurement if entry is None else shown.say(entry.title),
                tags=" · ".join(tags),
                values=values,
                failure=failure_words(str(failure), shown) if failure else "",
                seen_ms=row.time_ms,
                ago=shown.ago(row.time_ms),
                exact=shown.exact(row.time_ms, zone),
            )
        )
    return found


def glance(rows: Sequence[Latest], primary: str | None, shown: Shown) -> list[Tile]:
    """Return the figures that say at once how the link is: of the primary device, where there is one."""
    mine = [row for row in rows if primary is None or row.device == primary]
    ping = _ping(mine)
    http, dns = _newest(mine, "http"), _newest(mine, "dns")
    found = [
        _tile(shown, ping, shown.say("Round trip"), "rtt_avg_seconds", "target"),
        _tile(shown, ping, shown.say("Packet loss"), "loss_ratio", "target", fails=False),
        _tile(shown, dns, shown.say("Name resolution"), "duration_seconds", "target"),
        _tile(shown, http, shown.say("Web access"), "duration_seconds", "target"),
        _rate(shown, _traffic(mine)),
        _tile(shown, _newest(mine, "snmp", "clients"), shown.say("Connected devices"), "clients", "target"),
    ]
    return [tile for tile in found if tile is not None]


def _newest(rows: Sequence[Latest], measurement: str, field: str | None = None) -> Latest | None:
    fitting = [row for row in rows if row.measurement == measurement and (field is None or field in row.fields)]
    return max(fitting, key=lambda row: row.time_ms, default=None)


def _ping(rows: Sequence[Latest]) -> Latest | None:
    """Return the newest ping beyond the site's own network where there is one: it tells of the link."""
    pings = [row for row in rows if row.measurement == "ping"]
    beyond = [row for row in pings if dict(row.tags).get("role") != "gateway"]
    return max(beyond or pings, key=lambda row: row.time_ms, default=None)


def _traffic(rows: Sequence[Latest]) -> Latest | None:
    """Return the router's traffic, else that of the agent's busiest interface."""
    router = _newest(rows, "snmp", "rx_bytes")
    if router is not None:
        return router
    cards = [
        row
        for row in rows
        if row.measurement == "interfaces"
        and row.fields.get("rx_bytes") is not None
        and not dict(row.tags).get("interface", "").startswith(HIDDEN_INTERFACES)
    ]
    return max(cards, key=lambda row: float(row.fields["rx_bytes"] or 0), default=None)


def _tile(shown: Shown, row: Latest | None, label: str, field: str, tag: str, *, fails: bool = True) -> Tile | None:
    if row is None:
        return None
    value, failure = row.fields.get(field), row.fields.get("failure")
    note = dict(row.tags).get(tag, "")
    if value is None and not (failure and fails):
        return None
    failed = value is None
    text = failure_words(str(failure), shown) if failed else shown.value(row.measurement, field, value)
    return Tile(label, text, note, row.time_ms, shown.ago(row.time_ms), failed)


def _rate(shown: Shown, row: Latest | None) -> Tile | None:
    if row is None:
        return None
    received, seconds = row.fields.get("rx_bytes"), row.fields.get("interval_seconds")
    if not isinstance(received, int | float) or not isinstance(seconds, int | float) or seconds <= 0:
        return None
    text = shown.quantity(received * 8 / seconds, "bit/s")
    tags = dict(row.tags)
    note = tags.get("interface", tags.get("target", ""))
    return Tile(shown.say("Traffic received"), text, note, row.time_ms, shown.ago(row.time_ms), failed=False)
