"""Causes and evidence in words that a technician can act on. Every page takes them from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.web.shown import Shown

CAUSE_WORDS: Mapping[str, str] = {
    "power": N_("No electricity"),
    "backhaul": N_("The provider's link"),
    "site_lan": N_("The network inside the site"),
    "device": N_("The measuring box"),
    "shared_upstream": N_("A fault several sites share"),
    "account": N_("The account with the provider"),
    "platform": N_("The Aldea platform, not the site"),
    "planned": N_("Announced work"),
    "unknown": N_("Cause not known"),
}
CAUSE_CHECKS: Mapping[str, str] = {
    "power": N_("Is there electricity at the site and around it? Look at the regulator, the UPS and the breaker."),
    "backhaul": N_(
        "Look at the modem's lights and whether the antenna is moved or covered; then call the provider with the "
        "contract number."
    ),
    "site_lan": N_("Check the cables between modem, router and measuring box; switch the router off and on."),
    "device": N_("Check that the measuring box has power and its network cable; restarting it is often enough."),
    "shared_upstream": N_("Nothing at the sites: call the provider and say which sites went down together."),
    "account": N_("Ask the provider whether the account is suspended, unpaid, or its monthly quota is spent."),
    "platform": N_("Nothing at the site: look at Aldea's own server, its broker and its disk."),
    "planned": N_("Nothing: wait until the announced work is over."),
    "unknown": N_("Ask by telephone whether there is electricity; then look at the modem's lights and the cables."),
}
REASON_WORDS: Mapping[str, str] = {
    "closed": N_("The site is switched off outside its opening hours."),
    "silent": N_("Nothing has arrived from this time yet."),
    "power_cut_or_agent_unplugged": N_("Power cut or agent unplugged: the measuring box itself was off."),
    "not_measured": N_("The measuring box was on, but measured nothing that tells."),
    "collector_outage": N_("Aldea itself received nothing: this says nothing about the site."),
}
GATEWAY_WORDS: Mapping[str, str] = {
    "answers": N_("The site's own router answers, what lies beyond it does not."),
    "silent": N_("The site's own router does not answer."),
}
ROUTER_WORDS: Mapping[str, str] = {
    "restarted": N_("The router restarted in this time too, so the electricity was gone."),
    "kept_running": N_("The router kept running, so there was electricity."),
}
STOP_WORDS: Mapping[str, str] = {
    "stopped": N_("The agent was stopped in order; nothing broke."),
    "shut_down": N_("The measuring box was shut down or restarted in order, not cut off."),
    "power_lost": N_("The measuring box lost power or was unplugged: it was not shut down in order."),
    "crashed": N_("The agent crashed and started again; the measuring box kept running."),
    "upgraded": N_("The agent was being upgraded."),
    "settings": N_("The agent started again with other settings."),
    "outbox_lost": N_("The measuring box's own notes were damaged: it cannot say how it came to stop."),
    "disk_full": N_("The measuring box was on, but its disk was full: nothing could be recorded."),
    "read_only": N_("The measuring box was on, but its memory card took no writing: replace the card."),
    "disk_error": N_("The measuring box was on, but its memory card failed: replace the card."),
    "asleep": N_("The measuring box was asleep (its lid was closed, or it was put on hold): nothing was measured."),
    "busy": N_("The measuring box was on, but another program held its notes: nothing could be recorded."),
}
EXPLAINED_BY_STOP = frozenset({"power_cut_or_agent_unplugged", "not_measured"})
"""Reasons that say less than how the agent came to stop."""

Say = Callable[[Mapping[str, Any], Shown], str | None]


def cause_text(cause: str | None, shown: Shown) -> str:
    """Return a cause in words; the word itself where it is newer than this program."""
    key = cause or "unknown"
    return shown.say(CAUSE_WORDS[key]) if key in CAUSE_WORDS else key


def cause_check(cause: str | None, shown: Shown) -> str:
    """Return what to check first."""
    return shown.say(CAUSE_CHECKS.get(cause or "unknown", CAUSE_CHECKS["unknown"]))


def evidence_sentences(evidence: Mapping[str, Any], shown: Shown) -> list[str]:
    """Return what an interval's verdict rests on, a sentence each; nothing is said of facts that are not there."""
    return list(_sentences(evidence, shown))


def _sentences(evidence: Mapping[str, Any], shown: Shown) -> Iterator[str]:
    stop = evidence.get("stop")
    if isinstance(stop, str) and stop in STOP_WORDS:
        yield shown.say(STOP_WORDS[stop])
    for key, words in (("reason", REASON_WORDS), ("gateway", GATEWAY_WORDS), ("router", ROUTER_WORDS)):
        found = evidence.get(key)
        if isinstance(found, str) and not (stop in STOP_WORDS and found in EXPLAINED_BY_STOP):
            yield shown.say(words[found]) if found in words else found
    if evidence.get("portal"):
        yield shown.say(N_("The provider's own page answers in place of the internet."))
    yield from _packets(evidence, shown)
    yield from _witnesses(evidence, shown)
    yield from _slots(evidence, shown)


def _packets(evidence: Mapping[str, Any], shown: Shown) -> Iterator[str]:
    sent, received = evidence.get("sent"), evidence.get("received")
    if isinstance(sent, int) and isinstance(received, int) and sent > 0:
        text = shown.say(N_("%(received)s of %(sent)s test packets came back."))
        yield text % {"received": shown.number(received), "sent": shown.number(sent)}


def _witnesses(evidence: Mapping[str, Any], shown: Shown) -> Iterator[str]:
    neighbours = evidence.get("neighbours")
    if isinstance(neighbours, list) and neighbours:
        text = shown.say(N_("Sites of the same power region went off at the same time: %(sites)s."))
        yield text % {"sites": ", ".join(str(site) for site in neighbours)}
    for key, text in (
        ("restarted", N_("Restarted with the measuring box: %(names)s.")),
        ("kept_running", N_("Kept running meanwhile: %(names)s.")),
    ):
        names = evidence.get(key)
        if isinstance(names, list) and names:
            yield shown.say(text) % {"names": ", ".join(str(name) for name in names)}
    if evidence.get("unrecorded_seconds"):
        yield shown.say(N_("For a part of this time the measuring box was on, but could record nothing."))
    if evidence.get("on_battery"):
        yield shown.say(N_("The UPS was running on its battery."))
    if evidence.get("stopped_in_order") and evidence.get("stop") not in STOP_WORDS:
        yield shown.say(N_("The agent was stopped in order, not cut off."))


def _slots(evidence: Mapping[str, Any], shown: Shown) -> Iterator[str]:
    for key, text in (
        ("degraded_slots", N_("Heavy loss in %(count)s intervals of five minutes.")),
        ("web_only_slots", N_("In %(count)s intervals of five minutes only web pages answered.")),
    ):
        count = evidence.get(key)
        if isinstance(count, int) and count:
            yield shown.say(text) % {"count": shown.number(count)}
