"""The page of a box whose disk fails: it is there, says so first, and goes on as it is once the disk works again."""

from __future__ import annotations

import asyncio
import errno
import http.client
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentkit.box import Browser, Idle, make_view
from aldea.agents import starting
from aldea.agents.checkup.checks import judge
from aldea.agents.checkup.evidence import Box, Evidence
from aldea.agents.checkup.folder import FolderError, FolderWatch
from aldea.agents.lock import AlreadyRunning, FolderLock
from aldea.agents.outbox import Machine, Opening
from aldea.agents.page.app import build_site
from aldea.agents.page.latest import LatestReadings
from aldea.agents.page.pins import PinStore
from aldea.agents.page_settings import PageSettings
from aldea.agents.probe import ScheduledProbe
from aldea.agents.probe_settings import DnsSettings, HttpSettings, PingSettings
from aldea.agents.service import AgentService
from aldea.agents.settings import AgentSettings, BrokerSettings
from aldea.model.clock import ManualClock
from aldea.model.sample import Reading
from rigs.processes import free_port
from rigs.waiting import eventually

FULL = FolderError("/data", errno.ENOSPC, "No space left on device")
READ_ONLY = FolderError("/data", errno.EROFS, "Read-only file system")


class Router:
    """A probe that always answers."""

    name = "ping"

    async def measure(self) -> list[Reading]:
        return [Reading("ping", {"received": 1, "failure": None}, {"target": "192.0.2.1", "role": "anchor"})]

    async def aclose(self) -> None:
        return None


def settings_for(folder: Path, port: int) -> AgentSettings:
    """Return settings that look no further than this machine."""
    return AgentSettings(
        site="yaxcaba",
        data=folder,
        sample_seconds=0.1,
        send_seconds=0.2,
        broker=BrokerSettings(port=free_port()),
        ping=PingSettings(gateway=False, anchors=("127.0.0.1",)),
        dns=DnsSettings(enabled=False),
        http=HttpSettings(enabled=False),
        page=PageSettings(enabled=True, host="127.0.0.1", port=port, language="en"),
    )


@contextmanager
def running(settings: AgentSettings) -> Iterator[None]:
    """Run an agent in a thread of its own."""
    loop = asyncio.new_event_loop()
    service: list[AgentService] = []

    async def story() -> None:
        machine = Machine("hardware", "ab" * 8, "0.1")
        service.append(AgentService(settings, [ScheduledProbe(Router(), 0.1, 5.0)], machine=machine))
        await service[0].run()

    thread = threading.Thread(target=lambda: loop.run_until_complete(story()))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(service[0].stop)
        thread.join(60)
        loop.close()
    assert not thread.is_alive()


def site_at(port: int) -> Any:
    """Return the page behind a port as a WSGI application, so that a test's browser can ask it."""

    def site(environ: dict[str, Any], start: Any) -> list[bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        query = environ["QUERY_STRING"]
        heads = {
            name: environ[key]
            for name, key in (("Cookie", "HTTP_COOKIE"), ("Content-Type", "CONTENT_TYPE"))
            if environ.get(key)
        }
        body = environ["wsgi.input"].read()
        try:
            connection.request(
                environ["REQUEST_METHOD"], environ["PATH_INFO"] + (f"?{query}" if query else ""), body, heads
            )
            answer = connection.getresponse()
            start(f"{answer.status} {answer.reason}", answer.getheaders())
            return [answer.read()]
        finally:
            connection.close()

    return site


def shown(browser: Browser, path: str, words: str) -> bool:
    try:
        return words in browser.get(path).text
    except OSError:
        return False


def test_the_page_is_there_without_an_outbox_and_goes_on_when_it_opens(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").mkdir()
    PinStore(tmp_path, None).set("4711")
    port = free_port()
    browser = Browser(site_at(port))
    with running(settings_for(tmp_path, port)):
        eventually(lambda: shown(browser, "/", "The box cannot measure"))
        status = browser.get("/").text
        assert "Check this first: The box" in status
        assert "Bring: a new memory card" in status
        assert "outbox.sqlite cannot be used" in status
        assert "Nothing is lost" not in status
        assert browser.post("/check").status == 303
        eventually(lambda: shown(browser, "/check", "Checked less than"))
        checked = browser.get("/check").text
        assert "Check this first: The box" in checked
        assert "The Internet answers." in checked, "what can be looked at is looked at"
        assert "The speed cannot be tested now" in checked
        assert "can neither keep a report nor send it" in browser.get("/repaired").text
        assert "Just now nothing of this is measured" in browser.get("/about").text
        assert browser.post("/pin", {"pin": "4711"}).status == 303
        assert "The box cannot keep records now" in browser.get("/records").text
        old = browser.get("/check").csrf
        sent = browser.post_bare("/records/form/attendance", {"csrf": old, "note": "x"})
        assert sent.status == 503
        assert "The box cannot keep records now" in sent.text, "to whoever was filling in a form as well"

        (tmp_path / "outbox.sqlite").rmdir()
        answered = [browser.get("/about").status]
        while "The box cannot measure" in browser.get("/").text:
            answered.append(browser.get("/about").status)
        assert set(answered) == {200}, "the port was never closed"
        eventually(lambda: shown(browser, "/", "Internet (192.0.2.1)"))
        assert "The box cannot keep records now" not in browser.get("/records").text
        assert browser.get("/records").status == 200, "who was signed in still is"
        assert browser.post_bare("/check", {"csrf": old}).status == 303, "a form from before is taken"
        assert "Checked" in browser.get("/check").text


def test_an_outbox_that_opens_slowly_does_not_delay_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, attempt = threading.Event(), Opening.attempt

    def slow(opening: Opening, mono_ms: int) -> Any:
        assert opened.wait(600)
        return attempt(opening, mono_ms)

    monkeypatch.setattr(Opening, "attempt", slow)
    monkeypatch.setattr(starting, "SLOW_SECONDS", 0.05)
    PinStore(tmp_path, None).set("4711")
    port = free_port()
    browser = Browser(site_at(port))
    with running(settings_for(tmp_path, port)):
        try:
            eventually(lambda: shown(browser, "/", "Starting: the box opens what it has stored"))
            assert "Check this first" not in browser.get("/").text, "nothing is known to be wrong"
            for path in ("/", "/about", "/repaired"):
                assert "still opening what it has stored" in browser.get(path).text, path
            assert "not possible before the box has opened" in browser.get("/check").text
            refused = browser.post("/check/speed", token_from="/check")
            assert refused.headers["location"] == "/check?said=still_opening"
            browser.post("/pin", {"pin": "4711"})
            assert "still opening what it has stored" in browser.get("/records").text
        finally:
            opened.set()
        eventually(lambda: shown(browser, "/", "Internet (192.0.2.1)"))
        assert "still opening" not in browser.get("/").text
        assert browser.get("/records").status == 200, "who was signed in still is"


def test_a_data_folder_that_is_missing_on_a_read_only_disk_ends_no_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, made, port = tmp_path / "disk" / "data", os.mkdir, free_port()

    def read_only(path: Any, mode: int = 0o777, **more: Any) -> None:
        if str(path).startswith(str(tmp_path)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        made(path, mode, **more)

    browser = Browser(site_at(port))
    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", read_only)
        with pytest.raises(OSError, match="Read-only"):
            FolderLock(folder, "aldea")  # a program that has nothing to say without its folder
        with running(settings_for(folder, port)):
            eventually(lambda: shown(browser, "/", "the disk can only be read"))
            assert "Check this first: The box" in browser.get("/").text
            patch.undo()
            eventually(lambda: shown(browser, "/", "Internet (192.0.2.1)"))
            with pytest.raises(AlreadyRunning):
                FolderLock(folder)
            assert (folder / "outbox.reserve").stat().st_size, "and the next full disk can be written about"
    FolderLock(folder).release()


@pytest.mark.parametrize(
    ("error", "words", "bring"),
    [
        (FULL, "The box's disk is full", "a larger memory card"),
        (READ_ONLY, "/data: the disk can only be read", "a new memory card"),
        (FolderError("/data", errno.EIO, "Input/output error"), "/data: Input/output error", "a new memory card"),
        (None, "The box cannot keep what it measures: the card", "a new memory card"),
    ],
)
@pytest.mark.parametrize("opened", [True, False])
def test_the_disks_fault_is_first_on_the_status_in_the_doctors_words(
    tmp_path: Path, clock: ManualClock, error: FolderError | None, words: str, bring: str, opened: bool
) -> None:
    latest = LatestReadings()
    if opened:
        latest.observe([Reading("host", {"disk_free_bytes": 9 * 10**9})], clock.mono_ms())
    why = "the card is gone"
    more: Any = {"latest": latest, "trouble": lambda: why, "folder_error": lambda: error, "without_outbox": not opened}
    text = Browser(build_site(make_view(tmp_path, clock, **more))).get("/?lang=en").text
    assert "Check this first: The box" in text
    assert words in text
    assert f"Bring: {bring}" in text
    assert "Nothing is lost" not in text
    doctors = judge(Evidence(box=Box(Reading("host", {}), error, undervoltage=False, knows_time=False, trouble=why)))
    said = next(item for item in doctors if item.key == "box")
    assert said.what.in_("en") in text


def test_what_is_sent_from_an_old_page_is_refused_with_a_reason(tmp_path: Path, clock: ManualClock) -> None:
    idle = Idle()
    browser = Browser(build_site(make_view(tmp_path, clock, None, idle, without_outbox=True, trouble=lambda: "why")))
    assert browser.post("/check/speed", token_from="/check").headers["location"] == "/check?said=cannot_write_now"
    assert browser.post("/repaired", token_from="/check").headers["location"] == "/repaired"
    assert idle.recorded == []
    assert not (tmp_path / "repairs.json").exists()


def test_a_full_disk_is_not_mistaken_for_a_broken_one() -> None:
    box = Box(Reading("host", {"disk_free_bytes": 3 * 10**9, "disk_used_ratio": 0.5}), FULL, False, False)
    found = judge(Evidence(box=box))
    full = next(item for item in found if item.key == "box")
    assert "takes nothing more" in full.what.in_("en")
    broken = next(item for item in judge(Evidence(box=replace(box, folder_error=READ_ONLY))) if item.key == "box")
    assert "worn out" in broken.do[0].in_("en")


def test_a_folder_of_another_user_is_no_worn_out_card() -> None:
    box = Box(Reading("host", {}), FolderError("/data", errno.EACCES, "Permission denied"), False, False)
    found = next(item for item in judge(Evidence(box=box)) if item.key == "box")
    assert "may not write" in found.what.in_("en")
    assert "sudo aldea-agent doctor" in found.do[0].in_("en")
    assert found.bring is None


def test_a_disk_is_asked_now_and_then_only(tmp_path: Path, clock: ManualClock) -> None:
    watch = FolderWatch(tmp_path / "data", clock)
    (tmp_path / "data").write_text("a file in its place")
    assert watch.look() is not None
    (tmp_path / "data").unlink()
    assert watch.look() is not None, "asked a moment ago"
    clock.advance(30_000)
    assert watch.look() is None


def test_a_folder_that_takes_no_writing_is_held_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def read_only(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, "Read-only file system")
        return opened(path, flags, mode, **more)

    for _ in range(2):  # without and with a file from before
        monkeypatch.setattr(os, "open", read_only)
        lock = FolderLock(tmp_path)
        with pytest.raises(AlreadyRunning):
            FolderLock(tmp_path)
        lock.release()
        monkeypatch.undo()
        (tmp_path / "agent.lock").touch()
