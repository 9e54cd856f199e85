"""Each probe's last word, as a technician says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from aldea.agents.page.latest import Seen
from aldea.agents.page.words import N_, Words, say
from aldea.model.sample import Value

_FAILURES: Mapping[str, str] = MappingProxyType(
    {
        "no_reply": N_("no answer"),
        "connect_timeout": N_("no answer"),
        "read_timeout": N_("no answer"),
        "snmp_timeout": N_("no answer"),
        "probe_timeout": N_("no answer"),
        "dns_timeout": N_("no answer"),
        "no_route": N_("no way out: the router has given no address"),
        "network_unreachable": N_("no way out: the router has given no address"),
        "host_unreachable": N_("cannot be reached"),
        "connection_refused": N_("refuses the connection"),
        "connection_reset": N_("breaks the connection off"),
        "captive_portal": N_("a page of the provider comes instead"),
        "dns_failed": N_("names are not found"),
        "dns_nxdomain": N_("names are not found"),
        "dns_servfail": N_("names are not found"),
        "dns_refused": N_("names are not found"),
        "dns_no_answer": N_("names are not found"),
        "tls_certificate_invalid": N_("its certificate is not to be trusted"),
        "tls_failed": N_("its certificate is not to be trusted"),
        "snmp_authentication": N_("refuses the box's questions"),
        "permission_denied": N_("the box may not ask"),
        "not_available": N_("not available here"),
        "budget_spent": N_("the month's bytes are spent"),
        "interrupted": N_("interrupted: the box was stopped"),
    }
)


def failure_words(failure: Value) -> Words:
    """Return a failure word as a person says it."""
    return Words(_FAILURES.get(str(failure), N_("failed")))


def probe_name(item: Seen) -> Words:
    """Return what was asked."""
    reading = item.reading
    target = _target(reading.tags)
    if reading.measurement == "ping":
        is_gateway = reading.tags.get("role") == "gateway"
        return say("Router") if is_gateway else say("Internet (%(target)s)", target=target)
    names: Mapping[str, Callable[[], Words]] = {
        "dns": lambda: say("Names (%(target)s)", target=reading.tags.get("server", "")),
        "http": lambda: say("Web page (%(target)s)", target=target),
        "snmp": lambda: say("Device %(target)s", target=target),
        "power": lambda: say("Power (%(target)s)", target=target),
        "clients": lambda: say("Connected devices"),
    }
    return names[reading.measurement]()


def _target(tags: Mapping[str, str]) -> str:
    named = tags.get("target") or tags.get("source") or ""
    return named.partition("://")[2] or named


def probe_words(item: Seen) -> Words:
    """Return what it said."""
    fields = item.reading.fields
    if item.failed:
        return failure_words(fields["failure"])
    rtt, loss = fields.get("rtt_avg_seconds"), fields.get("loss_ratio")
    if isinstance(rtt, float):
        if isinstance(loss, float) and loss > 0:
            values = {"ms": round(rtt * 1000), "loss": round(loss * 100)}
            return say("answers in %(ms)d ms, %(loss)d %% lost", **values)
        return say("answers in %(ms)d ms", ms=max(1, round(rtt * 1000)))
    if isinstance(fields.get("on_battery"), bool):
        return say("on battery") if fields["on_battery"] else say("mains power is there")
    clients = fields.get("associated", fields.get("clients"))
    if isinstance(clients, int):
        return say("%(n)d connected", n=clients)
    return say("answers")


SHOWN = ("ping", "dns", "http", "snmp", "power", "clients")
"""The measurements that the status page lists, in this order."""
