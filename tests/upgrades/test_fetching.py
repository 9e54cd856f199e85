"""Fetching over a link that is cut, from a server that has something else, and with no bytes left in the month."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import trustme

from aldea.agents.budget import Budget, LedgerFile, Meter, Plan, SiteCalendar, Terms
from aldea.agents.budget.ledger import Ledger, Month
from aldea.agents.operating.handler import State
from aldea.agents.upgrading import fetching
from aldea.agents.upgrading.fetching import RANGE_BYTES, Fetcher, NotNow, RangeReader, Source
from aldea.agents.upgrading.progress import FetchTold
from aldea.agents.words import Words
from aldea.model.release import Manifest, ReleaseError, ReleaseFile

CONTENT = bytes(range(251)) * 1500
NAME = "aldea-9.0.0-py3-none-any.whl"
MANIFEST = Manifest("9.0.0", "3.11", 1, (ReleaseFile(NAME, len(CONTENT), hashlib.sha256(CONTENT).hexdigest()),))
MARCH_10_MS = 1_773_100_800_000
APRIL_MS = 1_775_001_600_000


class Cutter:
    """A server that answers ranges, and cuts the answer short now and then."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.cuts: list[int] = []
        self.status: list[int] = []
        self.asked: list[tuple[int, int]] = []
        self.connections = 0
        self.stalls = 0
        self.goes_on = threading.Event()
        self.beside: Callable[[int, bytes], object] = lambda _first, _part: None
        cutter = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                cutter.connections += 1
                super().setup()

            def do_GET(self) -> None:
                cutter.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.status:
            request.send_response(self.status.pop(0))
            request.send_header("Location", "http://elsewhere.example.org/")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        first, last = (int(part) for part in request.headers["Range"].removeprefix("bytes=").split("-"))
        self.asked.append((first, last))
        part = self.content[first : last + 1]
        request.send_response(206)
        request.send_header("Content-Range", f"bytes {first}-{last}/{len(self.content)}")
        request.send_header("Content-Length", str(len(part)))
        request.end_headers()
        cut = self.cuts.pop(0) if self.cuts else len(part)
        self.beside(first, part)
        if self.stalls:
            self.stalls -= 1
            request.wfile.write(part[:1000])
            self.goes_on.wait(120)
            return
        request.wfile.write(part[:cut])
        if cut < len(part):
            request.close_connection = True

    def close(self) -> None:
        self.goes_on.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def cutter() -> Iterator[Cutter]:
    made = Cutter()
    yield made
    made.close()


class Slept:
    """Counts pauses instead of taking them; may stop the fetching after some."""

    def __init__(self, most: int = 10_000) -> None:
        self.pauses: list[float] = []
        self.stuck: list[tuple[int, Words]] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) >= self._most:
            raise asyncio.CancelledError


def test_over_https_the_servers_authority_is_the_one_of_the_enrolment(cutter: Cutter, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    cutter.server.socket = context.wrap_socket(cutter.server.socket, server_side=True)
    url = cutter.url.replace("http:", "https:")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    reader = RangeReader(Source(url, tmp_path / "ca.pem"), Meter())
    assert reader.read("9.0.0", MANIFEST.files[0], 0) == CONTENT[:RANGE_BYTES]
    reader.close()
    # As people type it when they enrol; there, too, it means HTTPS.
    bare = RangeReader(Source(url.removeprefix("https://") + "/", tmp_path / "ca.pem"), Meter())
    assert bare.read("9.0.0", MANIFEST.files[0], 0) == CONTENT[:RANGE_BYTES]
    bare.close()
    with pytest.raises(NotNow, match="certificate is not trusted"):
        RangeReader(Source(url), Meter()).read("9.0.0", MANIFEST.files[0], 0)
    with pytest.raises(ReleaseError, match="is none"):
        RangeReader(Source("ftp://127.0.0.1"), Meter())


def fetcher(cutter: Cutter, slept: Slept, meter: Meter | None = None, room: Budget | None = None) -> Fetcher:
    async def nothing(_: int) -> None:
        return

    async def stuck(there: int, why: Words) -> None:
        slept.stuck.append((there, why))

    reader = RangeReader(Source(cutter.url), meter or Meter())
    allowed = (lambda _: None) if room is None else room.room_from
    return Fetcher(reader, 1_000_000, allowed, nothing, nothing, stuck, slept)


def test_what_was_cut_is_gone_on_with_and_no_byte_comes_twice(cutter: Cutter, tmp_path: Path) -> None:
    cutter.cuts = [1000, RANGE_BYTES, 1, 40_000]
    meter = Meter()
    (path,) = asyncio.run(fetcher(cutter, Slept(), meter).fetch(MANIFEST, tmp_path))
    assert path.read_bytes() == CONTENT
    firsts = [first for first, _ in cutter.asked]
    assert firsts[:5] == [0, 1000, 1000 + RANGE_BYTES, 1001 + RANGE_BYTES, 41_001 + RANGE_BYTES]
    assert all(last - first < RANGE_BYTES for first, last in cutter.asked)
    assert len(CONTENT) < meter.take() < 1.25 * len(CONTENT)


def test_what_came_before_the_link_fell_silent_is_kept(
    cutter: Cutter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "WAIT_SECONDS", 3.0)  # what is not silent comes sooner, also on a busy machine
    cutter.stalls = 1
    (path,) = asyncio.run(fetcher(cutter, Slept()).fetch(MANIFEST, tmp_path))
    assert path.read_bytes() == CONTENT
    assert [first for first, _ in cutter.asked][:2] == [0, 1000]


def test_a_stop_does_not_wait_for_a_link_that_is_silent(
    cutter: Cutter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service manager gives an agent seconds to end, and a link may be silent for a minute."""
    monkeypatch.setattr(fetching, "WAIT_SECONDS", 150.0)  # here even longer, so that a busy machine has a minute
    cutter.stalls = 1

    async def stopped() -> None:
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        cutter.beside = lambda *_: loop.call_soon_threadsafe(asked.set)
        task = asyncio.create_task(fetcher(cutter, Slept()).fetch(MANIFEST, tmp_path))
        await asked.wait()
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    began = time.monotonic()
    asyncio.run(stopped())
    assert time.monotonic() - began < 60


def test_all_ranges_come_over_one_connection(cutter: Cutter, tmp_path: Path) -> None:
    asyncio.run(fetcher(cutter, Slept()).fetch(MANIFEST, tmp_path))
    assert len(cutter.asked) > 3
    assert cutter.connections == 1


def test_what_a_thread_of_an_earlier_start_still_writes_does_no_harm(cutter: Cutter, tmp_path: Path) -> None:
    """Settings from afar start the agent anew in the same process, while a part is being written."""

    def late(first: int, part: bytes) -> None:
        mode = "r+b" if (tmp_path / f"{NAME}.part").exists() else "wb"
        with (tmp_path / f"{NAME}.part").open(mode) as file:
            file.seek(first)
            file.write(part)

    cutter.beside = late
    (path,) = asyncio.run(fetcher(cutter, Slept()).fetch(MANIFEST, tmp_path))
    assert path.read_bytes() == CONTENT


def test_it_goes_on_after_a_restart_where_it_stood(cutter: Cutter, tmp_path: Path) -> None:
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(fetcher(cutter, Slept(most=2)).fetch(MANIFEST, tmp_path))
    there = (tmp_path / f"{NAME}.part").stat().st_size
    assert there == 2 * RANGE_BYTES
    cutter.asked.clear()
    (path,) = asyncio.run(fetcher(cutter, Slept()).fetch(MANIFEST, tmp_path))
    assert path.read_bytes() == CONTENT
    assert cutter.asked[0][0] == there
    cutter.asked.clear()
    asyncio.run(fetcher(cutter, Slept()).fetch(MANIFEST, tmp_path))
    assert cutter.asked == []


def test_it_leaves_the_link_to_people_and_waits_longer_each_time_it_fails(cutter: Cutter, tmp_path: Path) -> None:
    cutter.status = [503, 500, 429]
    slept = Slept()
    asyncio.run(fetcher(cutter, slept).fetch(MANIFEST, tmp_path))
    assert slept.pauses[:3] == [5.0, 10.0, 20.0]
    assert sum(slept.pauses[3:]) == pytest.approx(len(CONTENT) / 1_000_000)


def test_what_keeps_a_release_from_coming_is_told_after_a_while(cutter: Cutter, tmp_path: Path) -> None:
    cutter.status = [503] * 10
    slept = Slept()
    asyncio.run(fetcher(cutter, slept).fetch(MANIFEST, tmp_path))
    assert slept.stuck == [(0, Words("the server answers 503", "el servidor contesta 503"))] * 2
    assert sum(slept.pauses[:8]) > 15 * 60, "a link that is cut now and then is nothing to tell of"


def test_that_nothing_more_comes_is_told_once_and_only_while_the_server_is_heard() -> None:
    told: list[Mapping[str, Any]] = []
    hears = iter([False, True])

    async def tell(_: State, detail: Mapping[str, Any]) -> None:
        told.append(detail)

    async def story() -> None:
        why = Words("the server answers 503", "el servidor contesta 503")
        telling = FetchTold(MANIFEST, tell, lambda: next(hears))
        for _ in range(3):
            await telling.progress(10)
            await telling.stuck(10, why)
        await telling.progress(11)
        await telling.progress(12)

    asyncio.run(story())
    assert [(item["bytes"], item.get("stuck", False)) for item in told] == [(10, False), (10, True), (11, False)]
    assert told[1]["sentence"] == "nothing more of it comes: the server answers 503; it goes on trying"
    assert told[1]["sentence_es"] == "ya no llega más: el servidor contesta 503; se sigue intentando"


def test_that_it_no_longer_waits_for_bytes_is_told_also_where_nothing_had_come_before_it_waited() -> None:
    steps: list[tuple[str, bool]] = []

    async def tell(_: State, detail: Mapping[str, Any]) -> None:
        steps.append((detail["step"], detail.get("stuck", False)))

    async def story() -> None:
        why = Words("the server answers 503", "el servidor contesta 503")
        telling = FetchTold(MANIFEST, tell, lambda: True)
        await telling.progress(10)
        await telling.stuck(10, why)
        for _ in range(2):
            await telling.wait(0)
        for _ in range(2):
            await telling.progress(10)
            await telling.stuck(10, why)

    asyncio.run(story())
    stuck = [("fetching", False), ("fetching", True)]
    assert steps == [*stuck, ("waiting_for_budget", False), *stuck]


@pytest.mark.parametrize("status", [404, 302, 401, 416])
def test_what_no_trying_again_mends_is_said(cutter: Cutter, tmp_path: Path, status: int) -> None:
    cutter.status = [status]
    with pytest.raises(ReleaseError, match=str(status)):
        asyncio.run(fetcher(cutter, Slept()).fetch(MANIFEST, tmp_path))


@pytest.mark.parametrize(
    "torn", [bytes(RANGE_BYTES), CONTENT[:1000] + bytes(7), bytes(len(CONTENT)), CONTENT + b"more"]
)
def test_what_a_power_cut_has_spoilt_is_fetched_once_more_and_is_no_fault_of_the_release(
    cutter: Cutter, tmp_path: Path, torn: bytes
) -> None:
    """A disk may have lengthened a file that was not written yet; a device that failed would halt the rollout."""
    (tmp_path / f"{NAME}.part").write_bytes(torn)
    (path,) = asyncio.run(fetcher(cutter, Slept()).fetch(MANIFEST, tmp_path))
    assert path.read_bytes() == CONTENT
    assert [item.name for item in tmp_path.iterdir()] == [NAME]


def test_what_is_not_what_was_signed_is_thrown_away(cutter: Cutter, tmp_path: Path) -> None:
    cutter.content = CONTENT[:-1] + b"\0"
    with pytest.raises(ReleaseError, match="is not what was signed"):
        asyncio.run(fetcher(cutter, Slept()).fetch(MANIFEST, tmp_path))
    assert list(tmp_path.iterdir()) == []
    cutter.content = CONTENT + b"more"
    with pytest.raises(ReleaseError, match="another"):
        asyncio.run(fetcher(cutter, Slept()).fetch(MANIFEST, tmp_path))


def budget_of(folder: Path, spent_bytes: int, now_ms: int | None = MARCH_10_MS) -> Budget:
    plan = Plan(Terms(monthly_bytes=10_000_000, daily_bytes=1_000), SiteCalendar(ZoneInfo("UTC"), ()))
    made = Budget(plan, LedgerFile(folder), lambda: now_ms, Meter())
    account = Month(telemetry_bytes=spent_bytes, since_ms=MARCH_10_MS - 86_400_000)
    with made.file.held():
        made.file.write(Ledger(salt="s", month="202603", months={"202603": account}))
    return made


def test_with_the_months_bytes_spent_it_waits_for_the_next_and_asks_the_server_for_nothing(
    cutter: Cutter, tmp_path: Path
) -> None:
    budget = budget_of(tmp_path / "budget", 9_900_000)
    slept = Slept(most=1)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(fetcher(cutter, slept, room=budget).fetch(MANIFEST, tmp_path / "to"))
    assert slept.pauses == [1800.0]
    assert cutter.asked == []
    assert budget.room_from(len(CONTENT)) == APRIL_MS
    assert budget_of(tmp_path / "april", 0).room_from(len(CONTENT)) is None


def test_what_was_fetched_and_is_not_booked_yet_counts_and_an_unknown_time_has_no_date(tmp_path: Path) -> None:
    budget = budget_of(tmp_path / "a", 5_000_000)
    assert budget.room_from(1_000_000) is None
    budget.meter.add(4_500_000)
    assert budget.room_from(1_000_000) is not None
    assert budget_of(tmp_path / "b", 9_900_000, now_ms=None).room_from(1_000_000) == 0
