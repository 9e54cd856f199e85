"""What is at the site: the box's cable, the router, and the other devices that are asked."""

from __future__ import annotations

from aldea.agents.checkup.evidence import Evidence, Network
from aldea.agents.checkup.verdict import Verdict, ok, unknown, wrong
from aldea.agents.page.words import say


def judge_cable(found: Evidence) -> Verdict | None:
    """Judge the cable (or Wi-Fi) between the box and the router."""
    network = found.network
    if network is None:
        return None
    with_signal = [item for item in network.interfaces if item.has_signal]
    used = next((item for item in network.interfaces if item.name == network.route), None)
    if network.route is not None:
        if used is None or used.has_signal:
            return ok(say("The box is connected (%(name)s).", name=network.route))
        return _no_signal(wifi=used.is_wifi)
    if not network.interfaces:
        return wrong(
            say("The box has no network socket that works."),
            say("Restart the box. If it stays so, the box is broken: change it."),
            bring=say("a spare box"),
        )
    if not with_signal:
        kinds = {item.is_wifi for item in network.interfaces}
        return _no_signal(wifi=kinds == {True}, perhaps_wifi=len(kinds) == 2)
    return ok(say("The cable carries a signal (%(name)s).", name=with_signal[0].name))


def _no_signal(*, wifi: bool, perhaps_wifi: bool = False) -> Verdict:
    if wifi:
        return wrong(
            say("The box is not connected to the Wi-Fi."),
            say("See whether a phone finds this Wi-Fi here. If not, look at the router."),
            say("Was the Wi-Fi's name or password changed? Then the box needs the new one. A cable is better."),
            bring=say("a network cable"),
        )
    by_air = (say("If the box has no cable but uses the Wi-Fi: see whether a phone finds this Wi-Fi here."),)
    return wrong(
        say("No signal comes through the box's network cable."),
        *(by_air if perhaps_wifi else ()),
        say("Push the cable in at both ends until it clicks; a small light must shine beside the socket."),
        say("See whether the router has power."),
        say("Try another socket of the router, then another cable."),
        bring=say("a network cable that works"),
    )


def judge_router(found: Evidence) -> Verdict | None:
    """Judge the router: whether it gave an address, and answers."""
    network, pings = found.network, found.pings("gateway")
    if network is None or found.ping is None:
        return None
    if network.route is None and not found.beyond:
        return (
            None
            if not found.is_whole
            else wrong(
                say("The router gives the box no address."),
                say("Switch the router off, wait 10 seconds, switch it on, and wait 3 minutes."),
                say("See that the cable is in one of the router's LAN sockets, not in the one called WAN or Internet."),
                bring=say("the router's manual and password"),
            )
        )
    if any(reading.fields.get("received") for reading in pings):
        return ok(say("The router answers."))
    if found.beyond or found.portal:
        return ok(say("The router passes everything on."))
    return _silent_router(found, network)


def _silent_router(found: Evidence, network: Network) -> Verdict | None:
    if not found.is_whole:
        return None
    if not found.pings("gateway") or network.gateway is None:
        return unknown(say("The router is not asked here."))
    if found.router_is_mute:
        return unknown(
            say("This router never answers the box, not even when the Internet works: whether it works is not known."),
            say("See whether its power light shines."),
        )
    return wrong(
        say("The router (%(address)s) does not answer.", address=network.gateway),
        say("See whether its power light shines."),
        say("Switch the router off, wait 10 seconds, switch it on, and wait 3 minutes."),
        say("If it stays dark, try its power adapter at another plug."),
        bring=say("a power adapter for the router, a spare router"),
    )


def judge_devices(found: Evidence) -> Verdict | None:
    """Judge the other devices of the site that are asked (by SNMP)."""
    if found.devices is None:
        return None
    asked = {reading.tags.get("target", ""): reading for reading in found.devices if reading.measurement == "snmp"}
    silent = [name for name, reading in asked.items() if reading.fields.get("failure") is not None]
    if not asked:
        return unknown(say("No other device of the site is asked."))
    if not silent:
        return ok(say("The site's devices answer."))
    names = ", ".join(sorted(silent))
    refused = {asked[name].fields.get("failure") for name in silent} == {"snmp_authentication"}
    if refused:
        return wrong(
            say("%(names)s answers, but refuses the box's questions.", names=names),
            say("Its SNMP password was changed: tell whoever looks after the boxes."),
        )
    return wrong(
        say("%(names)s does not answer on the site's network.", names=names),
        say("See whether it has power and its network cable's light shines."),
        say("Switch it off, wait 10 seconds, and switch it on."),
        bring=say("a network cable and a power adapter for it"),
    )
