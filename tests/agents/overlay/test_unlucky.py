"""Settings from afar where the timing is bad: nobody to say hello, and a test that is under way."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from agentkit.place import CLOCK, Place, wait_for
from aldea.agents.operating.handler import Outcome
from aldea.agents.operating.handler import State as Word
from aldea.agents.operating.kept import KeptCommands
from aldea.agents.overlay.keeping import Keeper
from aldea.agents.overlay.state import Overlay, State, Trial
from aldea.storage.register.command_rows import CommandState
from aldea.storage.register.commands import find_command, message_of, queue_command

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_settings_that_met_no_collector_are_tried_again_once_there_is_one(place: Place) -> None:
    place.serve_no_more()
    sent = place.send({"sample_seconds": 2.0, "send_seconds": 2.0})
    place.data.mkdir()
    document = sent.payload["document"]
    Keeper(place.data).write(State(trial=Trial(Overlay(1, document), sent.id, 5000, answer={"revision": 1})))
    KeptCommands(place.data).add(message_of(sent), Outcome(Word.RUNNING))
    place.start(trial_seconds=5.0)
    gone_back = wait_for(lambda: Keeper(place.data).read().undone)
    assert "not heard within 5 seconds" in gone_back.why.en
    threading.Event().wait(6.0)  # longer than the settings before get
    assert Keeper(place.data).read().kept == Overlay()
    place.serve()
    ended = place.ended(sent)
    assert (ended.state, ended.answer["tries"]) == (CommandState.DONE, 2)
    place.stop()
    assert Keeper(place.data).read().kept == Overlay(1, document)


@dataclass
class SlowPage:
    """A page that keeps a test waiting until it is let go."""

    url: str
    asked: threading.Event
    go: threading.Event


@pytest.fixture
def slow_page() -> Iterator[SlowPage]:
    asked, go = threading.Event(), threading.Event()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            go.wait(250)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield SlowPage(f"http://127.0.0.1:{server.server_port}/", asked, go)
    finally:
        go.set()
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_test_under_way_ends_and_is_answered_before_the_start_with_other_settings(
    place: Place, slow_page: SlowPage
) -> None:
    page = f'timeout_seconds = 40\ntargets = [{{url = "{slow_page.url}", expect_status = 204}}]'
    place.start(trial_seconds=30.0, http=page)
    with place.register.transaction() as unit:
        now = CLOCK.wall_ms()
        test = queue_command(unit, "village", "agent", "test", {"probe": "http"}, now, now + 600_000)
    assert slow_page.asked.wait(60)

    def state(command: str) -> CommandState | None:
        with place.register.reading() as unit:
            found = find_command(unit, command)
        return None if found is None else found.state

    wait_for(lambda: state(test.id) is CommandState.RUNNING)
    other = place.send({"sample_seconds": 2.0, "send_seconds": 2.0})
    wait_for(lambda: state(other.id) is CommandState.RUNNING)
    assert state(test.id) is CommandState.RUNNING
    slow_page.go.set()
    assert place.ended(test).state is CommandState.DONE
    assert place.ended(other).state is CommandState.DONE
    place.stop()
