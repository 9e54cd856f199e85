"""The checks, in the order in which a person should look, and what each needs before it can work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aldea.agents.checkup import judging_beyond, judging_box, judging_site
from aldea.agents.checkup.evidence import Evidence
from aldea.agents.checkup.findings import Finding, State
from aldea.agents.checkup.verdict import Verdict
from aldea.agents.page.words import Words, say


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `needs`: the one before it without which it can't work. `judge` returns None while it can't tell."""

    key: str
    title: Words
    needs: str | None
    judge: Callable[[Evidence], Verdict | None]


CHECKS = (
    Check("power", say("Power"), None, judging_box.judge_power),
    Check("box", say("The box"), None, judging_box.judge_box),
    Check("clock", say("The box's clock"), None, judging_box.judge_clock),
    Check("cable", say("Cable to the router"), None, judging_site.judge_cable),
    Check("router", say("Router"), "cable", judging_site.judge_router),
    Check("devices", say("Other devices of the site"), "router", judging_site.judge_devices),
    Check("link", say("Link beyond the router"), "router", judging_beyond.judge_link),
    Check("names", say("Names (DNS)"), "link", judging_beyond.judge_names),
    Check("web", say("The web"), "names", judging_beyond.judge_web),
    Check("server", say("The server"), "web", judging_beyond.judge_server),
    Check("enrolment", say("The box's enrolment"), "server", judging_beyond.judge_enrolment),
)


def judge(found: Evidence) -> tuple[Finding, ...]:
    """Return a finding for each check, in order. What cannot work for something before it is `not_reached`."""
    made: list[Finding] = []
    blocked: set[str] = set()
    pending: set[str] = set()
    for check in CHECKS:
        verdict = check.judge(found)
        early = verdict is not None and check.needs in pending and verdict.state is not State.OK and not verdict.here
        if verdict is None or early:
            pending.add(check.key)
            made.append(Finding(check.key, check.title, State.RUNNING, say("being checked…")))
            continue
        behind = check.needs in blocked and not verdict.here
        if behind and verdict.state is not State.OK:
            blocked.add(check.key)
            made.append(Finding(check.key, check.title, State.NOT_REACHED, say("Comes after what is wrong before it.")))
            continue
        if verdict.state is State.WRONG:
            blocked.add(check.key)
        made.append(Finding(check.key, check.title, verdict.state, verdict.what, verdict.do, verdict.bring))
    return tuple(made)
