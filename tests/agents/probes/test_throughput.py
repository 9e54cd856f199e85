"""The throughput probe: the budget decides, people on the link put a test off, a person's test has its own part."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agentkit.waiting import eventually
from aldea.agents.budget import Budget, LedgerFile
from aldea.agents.budget.ledger import Ledger
from aldea.agents.probe import ProbeContext, run_probe
from aldea.agents.probes import PROBES
from aldea.agents.probes.budget import budget_of
from aldea.agents.probes.throughput import ThroughputProbe
from aldea.agents.probes.throughput.crossing import Passed
from aldea.agents.probes.throughput.http_test import HttpTest
from aldea.agents.probes.throughput.outcome import Direction, Limits
from aldea.agents.probes.throughput.settling import Settling
from aldea.agents.settings import AgentSettings
from aldea.agents.throughput_settings import BudgetSettings, ThroughputSettings, window_minutes
from aldea.model.clock import ManualClock
from aldea.model.failures import Failure
from aldea.model.sample import Reading

PACE = 40_000
"""Bytes a second on each connection: slow enough for several windows of the smallest test."""
PIECES_EACH = 40
PIECES = PIECES_EACH * ThroughputSettings().flows
"""So many come in a second at the most."""


class Server(BaseHTTPRequestHandler):
    """Serves what is asked for; /portal answers as a provider's portal does, /paced at PACE bytes a second each."""

    pieces = 0

    def do_GET(self) -> None:
        portal = "portal" in self.path
        body = b"<html>pay first</html>" if portal else bytes(int(self.path.rsplit("/", 1)[1]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if "paced" in self.path:
            self._write_paced(body)
        else:
            self.wfile.write(body)

    def _write_paced(self, body: bytes) -> None:
        began, piece = time.monotonic(), PACE // PIECES_EACH
        for start in range(0, len(body), piece):
            time.sleep(max(0.0, began + start / PACE - time.monotonic()))
            try:
                self.wfile.write(body[start : start + piece])
                Server.pieces += 1
            except OSError:  # the test knew enough
                return

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class Looks:
    """The link's counters: `bits` pass between two looks."""

    def __init__(self, bits: int | None) -> None:
        self._bits, self._at = bits, 0.0

    async def look(self) -> Passed | None:
        self._at += 1.0
        return None if self._bits is None else Passed(round(self._at * self._bits / 8), 0, self._at)

    async def aclose(self) -> None:
        """Nothing is held."""


async def at_once(_seconds: float) -> None:
    """Wait for nothing."""


def settings_for(url: str) -> AgentSettings:
    sizes = ThroughputSettings(download_url=url, small_bytes=100_000, short_bytes=300_000, full_bytes=500_000)
    return AgentSettings(site="yaxcaba", throughput=sizes, budget=BudgetSettings(timezone="America/Merida"))


def made(url: str, context: ProbeContext, bits: int | None = 0) -> tuple[ThroughputProbe, Budget]:
    settings = settings_for(url)
    context = replace(context, anchored_ms=context.clock.wall_ms)
    budget = budget_of(settings, context)
    return ThroughputProbe(settings.throughput, context, budget, Looks(bits), at_once), budget  # type: ignore[arg-type]  # two looks are all of Crossing that is used


def go_to_the_test(budget: Budget, clock: ManualClock) -> None:
    budget.by_hand()  # the ledger begins, and its times are drawn
    clock.advance(budget.plan.calendar.day_of(clock.wall_ms()).slots[-1].end_ms - clock.wall_ms())
    clock.advance(budget.plan.next_ms(budget.file.read(), clock.wall_ms()) - clock.wall_ms())


def test_a_test_runs_when_it_is_due_once_and_is_booked(address: str, context: ProbeContext, clock: ManualClock) -> None:
    probe, budget = made(f"{address}/paced/{{bytes}}", context)
    go_to_the_test(budget, clock)
    readings = asyncio.run(probe.measure())
    assert [reading.measurement for reading in readings] == ["throughput", "budget"]
    fields = readings[0].fields
    assert readings[0].tags == {"direction": "down"}
    assert fields["failure"] is None
    assert fields["by_hand"] is False
    assert fields["rate_bits_per_second"]
    assert isinstance(fields["spent_bytes"], int)
    assert isinstance(fields["body_bytes"], int)
    assert fields["body_bytes"] < fields["spent_bytes"] <= 500_000, "counted also when the server hangs up at the end"
    assert readings[1].fields["tests_bytes"] == fields["spent_bytes"]
    assert asyncio.run(probe.measure()) == []


@pytest.mark.alone
def test_its_rate_is_that_of_all_its_connections(address: str, context: ProbeContext, clock: ManualClock) -> None:
    probe, budget = made(f"{address}/paced/{{bytes}}", context)
    go_to_the_test(budget, clock)
    rate = asyncio.run(probe.measure())[0].fields["rate_bits_per_second"]
    assert rate == pytest.approx(8 * PACE * ThroughputSettings().flows, rel=0.1)


def test_a_test_that_is_cut_says_and_books_what_it_has_spent(
    address: str, context: ProbeContext, clock: ManualClock
) -> None:
    probe, budget = made(f"{address}/paced/{{bytes}}", context)
    go_to_the_test(budget, clock)
    before = budget.file.read()

    async def cut() -> Sequence[Reading]:
        task = asyncio.create_task(run_probe(probe, 60))
        # Two windows of the rate take at least so long.
        await eventually(lambda: Server.pieces >= PIECES * 0.6)
        task.cancel()
        return await task

    Server.pieces = 0
    test, budgeted = asyncio.run(cut())
    spent = test.fields["spent_bytes"]
    assert isinstance(spent, int)
    assert 0 < spent < 400_000, "less than its cap, or it was not cut"
    assert (test.fields["censored"], test.fields["failure"]) == (True, None), "no evidence against anybody"
    assert budgeted.fields["tests_bytes"] == spent
    assert budgeted.fields["peak_tests"] == 0
    assert budget.file.read().expected == before.expected, "what was cut says nothing of what a test costs"


def test_a_test_that_is_cut_before_anything_came_has_not_failed_the_link(context: ProbeContext) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/{{bytes}}"
        probe, _ = made(url, replace(context, by_hand=True))

        async def cut() -> Sequence[Reading]:
            task = asyncio.create_task(run_probe(probe, 60))
            accepted, _ = await asyncio.to_thread(silent.accept)
            await asyncio.sleep(0.1)
            task.cancel()
            readings = await task
            accepted.close()
            return readings

        test, budgeted = asyncio.run(cut())
    assert (test.fields["failure"], test.fields["censored"]) == ("interrupted", None)
    assert budgeted.fields["hand_bytes"] == test.fields["spent_bytes"]


def test_a_full_disk_spends_nothing_and_what_was_measured_before_is_still_said(
    address: str, context: ProbeContext, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand, _ = made(f"{address}/{{bytes}}", replace(context, by_hand=True))
    probe, budget = made(f"{address}/{{bytes}}", context)
    go_to_the_test(budget, clock)

    def full(_file: LedgerFile, _ledger: Ledger) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as no_room:
        no_room.setattr(LedgerFile, "write", full)
        assert asyncio.run(probe.measure()) == []
        (reading,) = asyncio.run(by_hand.measure())
        assert reading.fields == {"failure": "not_available"}
    takes = LedgerFile.write

    def last(file: LedgerFile, ledger: Ledger) -> None:
        takes(file, ledger)
        monkeypatch.setattr(LedgerFile, "write", full)

    monkeypatch.setattr(LedgerFile, "write", last)
    (reading,) = asyncio.run(probe.measure())
    assert reading.measurement == "throughput"
    assert isinstance(reading.fields["spent_bytes"], int)
    assert budget.file.read().this().tests_bytes == 500_000, "all that it might have cost"


def test_people_on_the_link_put_the_test_off(address: str, context: ProbeContext, clock: ManualClock) -> None:
    probe, budget = made(f"{address}/{{bytes}}", context, bits=5_000_000)
    go_to_the_test(budget, clock)
    assert asyncio.run(probe.measure()) == []
    later = budget.plan.next_ms(budget.file.read(), clock.wall_ms())
    assert 0 < later - clock.wall_ms() <= 900_000


def test_a_persons_test_runs_at_once_until_its_part_is_spent(address: str, context: ProbeContext) -> None:
    probe, budget = made(f"{address}/{{bytes}}", replace(context, by_hand=True))
    assert asyncio.run(probe.measure())[0].fields["by_hand"] is True
    while budget.by_hand() is not None:
        pass
    (reading,) = asyncio.run(probe.measure())
    assert reading.fields == {"failure": "budget_spent"}


def test_a_portal_is_no_speed(address: str, context: ProbeContext) -> None:
    probe, _ = made(f"{address}/portal/{{bytes}}", replace(context, by_hand=True))
    fields = asyncio.run(probe.measure())[0].fields
    assert fields["failure"] == "captive_portal"
    assert fields["rate_bits_per_second"] is None
    assert fields["censored"] is None


class Crumbs(Server):
    """Answers each question with a single byte, or so many as an object has, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if "login" in self.path else "application/octet-stream")
        body = bytes(int(self.path.rpartition("/")[2]) if "/object/" in self.path else 1)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:  # the test knew enough
            self.close_connection = True


@pytest.fixture
def crumbs() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Crumbs)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_an_object_that_is_smaller_than_the_test_is_asked_for_again_and_again(crumbs: str) -> None:
    outcome = HttpTest(f"{crumbs}/object/40000", Direction.DOWN, Limits(3_000_000, 8.0, 2, 3.0), None).run()
    assert (outcome.failure, outcome.body_bytes > 400_000) == (None, True)


def test_what_headers_cost_ends_a_test_at_its_cap_too(crumbs: str) -> None:
    outcome = HttpTest(f"{crumbs}/object", Direction.DOWN, Limits(20_000, 8.0, 2, 3.0), None).run()
    assert outcome.body_bytes < 2_000
    assert not outcome.steady, "it went on until its rate had settled, whatever that cost"
    assert outcome.failure is None


def test_a_portals_page_in_place_of_an_object_of_fixed_size_is_no_speed(crumbs: str) -> None:
    outcome = HttpTest(f"{crumbs}/login", Direction.DOWN, Limits(200_000, 8.0, 2, 3.0), None).run()
    assert (outcome.failure, outcome.bits_per_second) == (Failure.CAPTIVE_PORTAL, None)


def test_without_a_server_nothing_is_tested_or_booked(context: ProbeContext) -> None:
    probe = PROBES["throughput"](AgentSettings(site="yaxcaba"), replace(context, by_hand=True))
    assert asyncio.run(probe.measure()) == []
    assert not (context.data / "budget.json").exists()


def test_a_rate_settles_when_it_is_steady_and_not_while_it_grows_or_swings() -> None:
    steady, growing, swinging = Settling(), Settling(), Settling()
    for number in range(12):
        steady.add((10, 200, 900)[number] if number < 3 else 1000 + number % 3, 0.25)
        growing.add(round(1000 * 1.3**number), 0.25)
        swinging.add(200 if number % 2 else 2000, 0.25)
    assert steady.is_settled
    assert steady.bits_per_second == pytest.approx(32_000, rel=0.02), "the start does not count"
    assert not growing.is_settled
    assert not swinging.is_settled


def test_windows_of_the_day_are_read_as_minutes() -> None:
    assert window_minutes("18:00-24:00") == (1080, 1440)
    for text in ("23:00-18:00", "18-23", "25:00-26:00"):
        with pytest.raises(ValueError, match=text):
            window_minutes(text)
