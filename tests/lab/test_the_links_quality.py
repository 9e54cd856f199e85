"""Loss, delay and rate of the satellite link: what is measured is what the link does."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import pytest

from labkit import faults
from labkit.habits import Habits
from labkit.names import ANCHORS, HTTPS_PAGE, ROUTER
from labkit.reading import failures, numbers, only
from labkit.telling import during

if TYPE_CHECKING:
    from labkit.box import Box
    from labkit.lab import Lab
    from labkit.namespaces import Counters

RATE = 4_000_000
WIRE_BYTES_A_FULL_SEGMENT = 1_500 / 1_448


@pytest.mark.waiting
@pytest.mark.parametrize(("percent", "degraded"), [(1, False), (10, False), (30, True)])
def test_loss_is_measured_as_it_is_and_is_no_outage(lab: Lab, percent: int, *, degraded: bool) -> None:
    told = during(lab, faults.packets_lost(lab, percent), Habits(packets=100, spacing_seconds=0.01), ping=8)
    lossy = only(told.before("ping", role="anchor"), ANCHORS[0])
    sent, received = sum(numbers(lossy, "sent")), sum(numbers(lossy, "received"))
    chance = percent / 100
    assert sent >= 300
    assert (sent - received) / sent == pytest.approx(chance, abs=5 * sqrt(chance * (1 - chance) / sent))
    assert failures(lossy) == {None}, "some packets come back"
    near = only(told.all("ping", role="gateway"), ROUTER)
    assert sum(numbers(near, "received")) == sum(numbers(near, "sent"))
    truth = told.settled(at_ms=lossy[0].at_ms)
    assert (truth.state, truth.cause) == ("up", None)
    assert bool(truth.evidence.get("degraded_slots")) is degraded


@pytest.mark.alone
def test_over_a_satellite_everything_works_and_its_delay_is_measured(lab: Lab) -> None:
    box = lab.box()
    box.habits(Habits(ping_seconds=2, name_seconds=3, page_seconds=5))
    with faults.delay_of(lab, 300):
        box.start().sends("http", 4, 0)
        box.delivers()
        box.stop()
    rows = lab.server.rows
    far = only(rows(box.site, "ping", role="anchor"), ANCHORS[0])
    assert failures(far) == {None}
    assert min(numbers(far, "rtt_avg_seconds")) == pytest.approx(0.600, abs=0.050)
    assert min(numbers(only(rows(box.site, "ping", role="gateway"), ROUTER), "rtt_avg_seconds")) < 0.1
    pages = only(rows(box.site, "http"), HTTPS_PAGE)
    assert failures(pages) == {None}
    assert min(numbers(pages, "connect_seconds")) == pytest.approx(0.600, abs=0.100)
    assert min(numbers(pages, "tls_seconds")) == pytest.approx(0.600, abs=0.150), "one round trip: TLS 1.3"
    assert failures(rows(box.site, "dns")) == {None}
    assert min(numbers(rows(box.site, "dns"), "duration_seconds")) == pytest.approx(0.600, abs=0.100)
    assert lab.settled(box.site, at_ms=far[0].at_ms).state == "up"


@pytest.mark.alone
def test_a_test_finds_the_shaped_rate_and_counts_what_the_interface_counts(lab: Lab) -> None:
    box = lab.box()
    with faults.rate_of(lab, RATE):
        down, up, budget, carried = _measured(lab, box)
    for found in (down, up):
        assert found["failure"] is None
        assert found["rate_bits_per_second"] * WIRE_BYTES_A_FULL_SEGMENT == pytest.approx(RATE, rel=0.12)
    spent = down["spent_bytes"] + up["spent_bytes"]
    assert spent == pytest.approx(carried.total_bytes, rel=0.05)
    assert budget["spent_bytes"] == spent


@pytest.mark.alone
def test_a_test_too_short_for_a_satellite_says_so_and_accuses_nobody(lab: Lab) -> None:
    box = lab.box()
    box.habits(Habits(more="max_seconds = 4\n"))
    with faults.rate_of(lab, RATE), faults.delay_of(lab, 300):
        down, up, _, carried = _measured(lab, box)
    for found in (down, up):
        assert found["failure"] is None
        assert 0 < found["rate_bits_per_second"] < RATE
        assert found["censored"] is True, "the windows of TCP were still growing"
    assert down["spent_bytes"] + up["spent_bytes"] == pytest.approx(carried.total_bytes, rel=0.05)


def _measured(lab: Lab, box: Box) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], Counters]:
    """Ask for a test now, as a technician would; return down, up, the budget, and what the box's interface carried."""
    before = lab.site.counters("eth0")
    down, up, budget = (reading["fields"] for reading in box.ask("probe", "throughput"))
    return down, up, budget, lab.site.counters("eth0").since(before)
