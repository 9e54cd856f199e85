"""What is said of which evidence: in which order, and nothing before it is known."""

from __future__ import annotations

from dataclasses import replace

from agentkit.evidence import CUT, WELL, failing, first, states
from aldea.agents.checkup.checks import CHECKS, judge
from aldea.agents.checkup.evidence import Evidence
from aldea.agents.checkup.findings import State, as_plain


def test_where_everything_works_nothing_is_to_be_checked() -> None:
    assert set(states(WELL).values()) == {State.OK}
    assert first(WELL) is None


def test_the_order_is_that_of_a_persons_way_from_the_plug_to_the_server() -> None:
    assert [check.key for check in CHECKS] == [
        "power", "box", "clock", "cable", "router", "devices", "link", "names", "web", "server", "enrolment",
    ]  # fmt: skip


def test_nothing_is_called_wrong_before_it_is_known() -> None:
    assert set(states(Evidence()).values()) == {State.RUNNING}
    early = Evidence(dns=[failing("dns", "dns_timeout")], ping=CUT["ping"])
    found = states(early)
    assert found["names"] is State.RUNNING
    assert found["link"] is State.RUNNING


def test_findings_travel_short_and_in_both_languages() -> None:
    plain = as_plain(judge(replace(WELL, **CUT)), ("es", "en"))
    assert plain[0] == {"key": "power", "state": "ok"}
    link = next(item for item in plain if item["key"] == "link")
    assert {"what_es", "what_en"} < set(link)
