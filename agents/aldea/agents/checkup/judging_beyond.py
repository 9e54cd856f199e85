"""What is beyond the router: the link, names, the web, the server, and whether it accepts this box."""

from __future__ import annotations

from aldea.agents.checkup.evidence import BrokerAnswer, Evidence
from aldea.agents.checkup.verdict import Verdict, ok, unknown, wrong
from aldea.agents.page.times import duration
from aldea.agents.page.words import Words, say

PATIENCE_MS = 120_000
"""So long a server may take to answer: it may just be starting."""

_TLS_FAILURES = {"tls_certificate_invalid", "tls_failed"}


def judge_link(found: Evidence) -> Verdict | None:
    """Judge the link beyond the router: the antenna, the modem, and the provider."""
    if found.ping is None or not (found.beyond or found.portal or found.is_whole):
        return None
    anchors = found.pings("anchor")
    if any(reading.fields.get("received") for reading in anchors):
        # One that is silent while another one answers has its own reason; what the link loses, all of them miss.
        lost = [reading.fields.get("loss_ratio") for reading in anchors if reading.fields.get("received")]
        least = min((ratio for ratio in lost if isinstance(ratio, float)), default=0.0)
        if least >= 0.3:
            return ok(say("The Internet answers, but loses %(n)d %% of what is sent.", n=round(least * 100)))
        return ok(say("The Internet answers."))
    if found.beyond or found.portal:
        own_page = say("The provider answers, with a page of its own.")
        return ok(say("The Internet answers, though not to echoes.") if found.beyond else own_page)
    if not found.silent_beyond:
        return unknown(say("Nothing beyond the router is asked here."))
    since = found.anchor_silent_ms
    return wrong(
        _silence(since, by_the_router=any(reading.fields.get("received") for reading in found.pings("gateway"))),
        say("Look at the lights of the modem or antenna: is it on, is its cable in?"),
        say("Is something in front of the dish or antenna, or was it moved by wind?"),
        say("Switch modem and antenna off for 30 seconds, switch them on, and wait 10 minutes."),
        say("If it stays so, call the provider: the box reaches the router, but nothing beyond it."),
        bring=say("the provider's number and the contract's number"),
    )


def _silence(since: int | None, *, by_the_router: bool) -> Words:
    if since is None or since < PATIENCE_MS:
        if by_the_router:
            return say("The router works, but nothing beyond it answers.")
        return say("Nothing beyond the router answers.")
    if by_the_router:
        return say("The router works, but nothing beyond it has answered for %(time)s.", time=duration(since))
    return say("Nothing beyond the router has answered for %(time)s.", time=duration(since))


def judge_names(found: Evidence) -> Verdict | None:
    """Judge whether names resolve."""
    if found.dns is None:
        return None
    if any(reading.fields.get("failure") is None for reading in found.dns):
        return ok(say("Names are found (DNS)."))
    if not found.dns:
        return unknown(say("Names are not asked here."))
    if found.portal:  # it came in a named page's place, and often lets nothing else through
        return unknown(say("Whether names are found is not known while the provider shows a page of its own."))
    return wrong(
        say("The Internet answers, but names are not found (DNS): pages do not open.")
        if found.beyond
        else say("Names are not found (DNS): pages do not open."),
        say("Switch the router off, wait 10 seconds, switch it on, and wait 3 minutes."),
        say("If it stays so: in the router's settings, give 1.1.1.1 and 8.8.8.8 as name servers (DNS)."),
        bring=say("the router's password"),
    )


def judge_web(found: Evidence) -> Verdict | None:
    """Judge whether the web answers, or somebody in between."""
    if found.http is None:
        return None
    failures = [reading.fields.get("failure") for reading in found.http]
    if any(failure is None for failure in failures):
        return ok(say("The web answers."))
    if not failures:
        return unknown(say("No page is asked for here."))
    if "captive_portal" in failures:
        return wrong(
            say("A page of the provider comes instead of the web: it wants payment or a sign-in."),
            say("Open any page with a phone here, and read what the provider asks for."),
            say("Pay or sign in, or tell whoever holds the contract."),
            bring=say("the contract's number, and the provider's number"),
        )
    return wrong(
        say("Names are found, but pages do not open."),
        say("Check again in 10 minutes. If it stays so, call the provider."),
    )


def judge_server(found: Evidence) -> Verdict | None:
    """Judge whether the server is reached, and can be trusted."""
    broker = found.broker
    if broker is None:
        return None
    delivering = found.delivering
    if not broker.asked:
        return unknown(say("The server was not asked."))
    if broker.failure is None:
        if delivering is not None and delivering.online and delivering.unanswered_ms > PATIENCE_MS:
            return wrong(
                say("The server takes the connection, but does not answer."),
                say("Nothing to do at the site. What is measured is kept here. Tell whoever looks after the server."),
            )
        return ok(say("The server (%(where)s) answers.", where=broker.where))
    if broker.failure in _TLS_FAILURES:
        return wrong(
            say(
                "The server (%(where)s) cannot be trusted: its certificate is not the one expected.", where=broker.where
            ),
            say("Nothing to do at the site. Tell whoever looks after the server."),
        )
    return wrong(
        say("The server (%(where)s) cannot be reached.", where=broker.where),
        say("Nothing to do at the site: what is measured is kept here. Tell whoever looks after the server."),
    )


def judge_enrolment(found: Evidence) -> Verdict | None:
    """Judge whether this box may speak to the server."""
    enrolled, broker = found.enrolled, found.broker
    if enrolled is None or broker is None:
        return None
    if enrolled.missing:
        return wrong(
            say("The box is not enrolled yet: it neither measures nor is it known to a server."),
            say("Enrol the box with a code: aldea-agent enrol --server … --code …"),
            bring=say("a new code for this site, from whoever looks after the boxes"),
            here=True,
        )
    if enrolled.error is not None:
        return wrong(
            say("The box's enrolment cannot be used: %(error)s.", error=enrolled.error),
            say("Enrol the box again with a new code: aldea-agent enrol --server … --code …"),
            bring=say("a new code for this site, from whoever looks after the boxes"),
            here=True,
        )
    return _accepted(broker, enrolled.sentence)


def _accepted(broker: BrokerAnswer, sentence: str) -> Verdict:
    if broker.accepted:
        return ok(say("The server accepts this box: %(sentence)s.", sentence=sentence))
    if broker.accepted is None:
        return unknown(say("Whether the server accepts this box is not known: %(sentence)s.", sentence=sentence))
    return wrong(
        say("The server does not accept this box (%(said)s).", said=broker.said),
        say("The box was replaced, or its access has ended. Enrol it again with a new code."),
        bring=say("a new code for this site, from whoever looks after the boxes"),
        here=not broker.asked,
    )
