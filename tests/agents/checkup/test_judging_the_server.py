"""What is said of which evidence: the server, its broker and the enrolment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentkit.evidence import CUT, WELL, WHERE, first, named, states
from aldea.agents.checkup.evidence import BrokerAnswer, Delivering, Enrolled
from aldea.agents.checkup.findings import State


@pytest.mark.parametrize("failure", ["connection_refused", "connect_timeout", "no_reply", "dns_failed"])
def test_a_server_that_is_away_is_nobodys_business_at_the_site(failure: str) -> None:
    away = replace(WELL, broker=BrokerAnswer(WHERE, failure))
    assert first(away) == "server"
    assert states(away)["enrolment"] is State.NOT_REACHED
    assert "Nothing to do at the site" in named(away, "server").do[0].in_("en")


def test_a_certificate_that_is_not_the_expected_one_is_said() -> None:
    found = replace(WELL, broker=BrokerAnswer(WHERE, "tls_certificate_invalid"))
    assert "certificate" in named(found, "server").what.in_("en")


def test_a_broker_with_nobody_behind_it_is_found_out_by_the_running_agent() -> None:
    assert first(replace(WELL, delivering=Delivering(True, 300_000))) == "server"
    assert first(replace(WELL, delivering=Delivering(True, 30_000))) is None, "it may just be starting"


def test_a_refused_box_needs_a_new_code() -> None:
    refused = replace(WELL, broker=BrokerAnswer(WHERE, None, accepted=False, said="Not authorized"))
    assert first(refused) == "enrolment"
    assert "Not authorized" in named(refused, "enrolment").what.in_("es")


def test_a_spoilt_enrolment_is_said_although_the_link_is_cut() -> None:
    found = replace(WELL, **CUT, enrolled=Enrolled("yaxcaba/agent", "enrolment-1.password"))
    assert states(found)["enrolment"] is State.WRONG
    assert first(found) == "link"
