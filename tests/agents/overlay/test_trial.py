"""Settings on trial: kept when the server is heard, given up when not, whatever the power does in between."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aldea.agents.lock import AlreadyRunning, FolderLock
from aldea.agents.overlay.desk import SettingsDesk
from aldea.agents.overlay.keeping import FILE, Keeper
from aldea.agents.overlay.source import Source
from aldea.agents.overlay.state import MOST_STARTS, Overlay, State, Words
from aldea.model.clock import ManualClock
from aldea.model.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aldea.agents.overlay.desk import Answer
    from aldea.agents.settings import AgentSettings

TRIAL_SECONDS = 60
GOOD = {"sample_seconds": 20}
DEAD = {"broker": {"port": 9}}


class PowerCut(BaseException):
    """The machine is gone in the middle of a step."""


@dataclass
class Box:
    """One device: its folder outlives its starts."""

    folder: Path
    clock: ManualClock = field(default_factory=ManualClock)
    boot: int = 1
    desk: SettingsDesk = field(init=False)
    settings: AgentSettings = field(init=False)

    def __post_init__(self) -> None:
        config = self.folder / "aldea.toml"
        lines = ['site = "village"', f'data = "{self.folder}"', f"trial_seconds = {TRIAL_SECONDS}"]
        config.write_text("\n".join(["[agent]", *lines]))
        self.source = Source(config, {})

    def start(self) -> AgentSettings:
        self.desk = SettingsDesk(self.source, self.clock, f"boot-{self.boot}", usable)
        self.settings = self.desk.begin()
        return self.settings

    def reboot(self) -> None:
        self.boot += 1
        self.clock.reboot()

    def take(self, revision: int, document: dict[str, Any]) -> Answer:
        return self.desk.take(f"command-{revision}", {"revision": revision, "document": document})

    @property
    def hears(self) -> bool:
        """Whether the settings it runs with reach the server."""
        return self.settings.broker.port != DEAD["broker"]["port"]

    def live(self, seconds: int = 3 * TRIAL_SECONDS) -> None:
        """Run on, starting again as the agent does, for so long."""
        for _ in range(seconds):
            if self.desk.step(heard=self.hears):
                self.start()
            self.clock.advance(1000)


def usable(settings: AgentSettings) -> None:
    if settings.broker.port == 7:
        raise SettingsError(["agent.broker.port is 7; nobody uses that"])


@pytest.fixture
def box(tmp_path: Path) -> Box:
    made = Box(tmp_path)
    made.start()
    return made


def test_good_settings_are_tried_kept_and_told(box: Box) -> None:
    answer = box.take(1, GOOD)
    assert (answer.state, answer.restart) == ("running", True)
    assert answer.detail["changed"] == ["sample_seconds"]
    assert box.start().sample_seconds == 20
    assert box.desk.on_trial
    assert not box.desk.step(heard=True)
    assert not box.desk.is_pending
    told = box.take(1, GOOD)
    assert (told.state, told.detail["runs"], told.detail["changed"]) == ("done", 1, ["sample_seconds"])
    assert box.start().sample_seconds == 20
    assert (box.folder / FILE).stat().st_mode & 0o777 == 0o600


def test_settings_that_nobody_hears_are_given_up_in_time(box: Box) -> None:
    box.take(1, DEAD)
    assert box.start().broker.port == 9
    for _ in range(TRIAL_SECONDS):
        assert not box.desk.step(heard=False)
        box.clock.advance(1000)
    assert box.desk.step(heard=False)
    assert box.start().broker.port == 1883
    assert box.desk.is_pending
    box.desk.step(heard=True)
    told = box.take(1, DEAD)
    assert told.state == "rolled_back"
    assert "not heard within 60 seconds with these settings" in told.detail["sentence"]
    assert "con estos ajustes no se oyó al servidor en 60 segundos" in told.detail["sentence_es"]
    assert told.detail["link_was_down"] is False
    assert told.detail["runs"] == 0


def test_where_the_settings_before_are_not_heard_either_the_answer_says_so(box: Box) -> None:
    box.take(1, DEAD)
    box.start()
    box.clock.advance(TRIAL_SECONDS * 1000)
    assert box.desk.step(heard=False)
    box.start()
    box.clock.advance(300_000)
    box.desk.step(heard=True)
    told = box.take(1, DEAD)
    assert told.detail["link_was_down"] is True
    assert "not heard for 300 seconds either" in told.detail["sentence"]
    assert "tampoco se oyó al servidor por 300 segundos" in told.detail["sentence_es"]
    assert box.settings.broker.port == 1883


def test_three_starts_without_a_word_are_enough(box: Box) -> None:
    box.take(1, DEAD)
    for _ in range(MOST_STARTS):
        box.reboot()
        assert box.start().broker.port == 9
    box.reboot()
    assert box.start().broker.port == 1883
    assert "started 3 times" in box.take(1, DEAD).detail["sentence"]


def test_starts_within_a_boot_share_the_time(box: Box) -> None:
    box.take(1, DEAD)
    box.start()
    box.clock.advance(TRIAL_SECONDS * 1000 - 1)
    assert box.start().broker.port == 9
    box.clock.advance(1)
    assert box.start().broker.port == 1883


def test_the_same_revision_is_answered_again_and_an_older_one_refused(box: Box) -> None:
    box.take(4, GOOD)
    assert box.take(4, GOOD).state == "running"
    assert not box.take(4, GOOD).restart
    box.start()
    box.desk.step(heard=True)
    assert box.take(4, GOOD).state == "done"
    old = box.take(3, {"sample_seconds": 10})
    assert old.state == "failed"
    assert "revision 3 is not newer than revision 4" in old.detail["sentence"]
    assert box.start().sample_seconds == 20


def test_a_revision_that_was_given_up_is_not_tried_again(box: Box) -> None:
    box.take(1, DEAD)
    box.start()
    box.desk.give_up(Words("the power is bad", "la corriente es mala"))
    box.start()
    assert box.take(1, DEAD).state == "rolled_back"
    assert box.start().broker.port == 1883


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"sample_seconds": "often", "site": "x"}, "sample_seconds"),
        ({"sample_seconds": "often"}, "expects a number"),
        ({"site": "another"}, "cannot be set from afar"),
        ({"broker": {"port": 7}}, "nobody uses that"),
        ({"sample_seconds": 400}, "send at most as often"),
    ],
)
def test_settings_that_cannot_be_change_nothing(box: Box, document: dict[str, Any], sentence: str) -> None:
    before = box.settings
    answer = box.take(1, document)
    assert (answer.state, answer.restart) == ("failed", False)
    if "site" not in document or len(document) == 1:
        assert sentence in answer.detail["sentence"]
    assert not (box.folder / FILE).exists()
    assert box.start() == before


@pytest.mark.parametrize("payload", [{}, {"revision": 0, "document": {}}, {"revision": True, "document": {}}])
def test_a_command_without_its_parts_is_refused(box: Box, payload: dict[str, Any]) -> None:
    assert box.desk.take("c", payload).state == "failed"


def test_tables_within_tables_without_end_are_refused(box: Box) -> None:
    document: dict[str, Any] = {}
    for _ in range(5000):
        document = {"ping": document}
    answer = box.take(1, document)
    assert answer.state == "failed"
    assert "tables within tables" in answer.detail["sentence"]


def test_a_trial_too_short_to_be_heard_in_can_be_put_right_from_afar(tmp_path: Path) -> None:
    box = Box(tmp_path)
    (tmp_path / "aldea.toml").write_text(f'[agent]\nsite = "village"\ndata = "{tmp_path}"\ntrial_seconds = 1\n')
    box.start()
    box.take(1, {"trial_seconds": 300})
    box.start()
    box.clock.advance(20_000)
    assert not box.desk.step(heard=False), "the longer time holds for the trial that brings it"
    assert not box.desk.step(heard=True)
    assert box.take(1, {"trial_seconds": 300}).state == "done"


def test_kept_settings_whose_file_is_gone_do_not_stop_it(box: Box) -> None:
    Keeper(box.folder).write(State(Overlay(3, {"broker": {"port": 7}})))
    assert box.start().broker.port == 1883
    assert box.desk.revision == 3


def test_settings_that_change_nothing_need_no_trial(box: Box) -> None:
    answer = box.take(1, {"sample_seconds": 60.0})
    assert (answer.state, answer.restart, answer.detail["changed"]) == ("done", False, [])
    assert box.desk.revision == 1


def test_what_a_variable_overrules_is_said(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.source = Source(box.source.config, {"ALDEA_SAMPLE_SECONDS": "30"})
    box.start()
    answer = box.take(1, {"sample_seconds": 20, "log_level": "debug"})
    assert answer.detail["overruled"] == ["sample_seconds: ALDEA_SAMPLE_SECONDS in the machine's environment wins"]
    assert answer.detail["changed"] == ["log_level"]


def test_kept_settings_that_a_new_version_cannot_use_do_not_stop_it(box: Box) -> None:
    Keeper(box.folder).write(State(Overlay(3, {"gone_setting": 1})))
    assert box.start().sample_seconds == 60


def test_a_spoilt_file_is_put_aside(box: Box) -> None:
    for spoilt in ("{", "[]", '{"version": 2}', '{"version": 1, "kept": {"revision": "x", "document": 1}}'):
        (box.folder / FILE).write_text(spoilt)
        assert box.start().sample_seconds == 60
        assert not (box.folder / FILE).exists()


def test_a_start_beside_a_running_agent_is_not_counted(box: Box) -> None:
    box.take(1, DEAD)
    before = Keeper(box.folder).read()
    lock = FolderLock(box.folder)
    with pytest.raises(AlreadyRunning):
        box.start()
    lock.release()
    assert Keeper(box.folder).read() == before


def test_a_disk_that_takes_nothing_leaves_the_settings_as_they_are(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Keeper, state: State) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Keeper, "write", full)
        answer = box.take(1, GOOD)
    assert answer.state == "failed"
    assert "disk" in answer.detail["sentence"]
    assert box.start().sample_seconds == 60


def test_a_trial_that_cannot_be_counted_is_not_run(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Keeper, state: State) -> None:
        raise OSError(30, "Read-only file system")

    box.take(1, DEAD)
    monkeypatch.setattr(Keeper, "write", full)
    for _ in range(10):
        assert box.start().broker.port == 1883


# -- the power goes at any moment


class Cuts:
    """Lets the power go before or after the nth system call that writes."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self._patch = patch

    def __enter__(self) -> Self:
        for module, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
            self._patch.setattr(module, name, self._cutting(getattr(module, name)))
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()

    def _tick(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise PowerCut

    def _cutting(self, call: Any) -> Any:
        def cut(*arguments: Any, **named: Any) -> Any:
            self._tick()
            result = call(*arguments, **named)
            self._tick()
            return result

        return cut


@pytest.fixture
def cuts() -> Iterator[Cuts]:
    with pytest.MonkeyPatch.context() as patch, Cuts(patch) as made:
        yield made


@pytest.mark.parametrize("document", [GOOD, DEAD])
@pytest.mark.parametrize("after", range(40))
def test_a_power_cut_at_any_write_leaves_the_old_or_the_new_settings_and_a_way_on_line(
    tmp_path: Path, cuts: Cuts, document: dict[str, Any], after: int
) -> None:
    box = Box(tmp_path)
    box.start()
    cuts.left = after
    try:
        box.take(1, document)
        box.start()
        box.live()
    except PowerCut:
        pass
    cuts.left = None
    box.reboot()
    box.start()
    box.live()
    assert box.hears
    assert not box.desk.is_pending
    kept = Keeper(box.folder).read().kept
    assert kept in (Overlay(), Overlay(1, GOOD))
    assert box.settings.sample_seconds == (20 if kept.revision else 60)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.sampled_from([GOOD, DEAD, {}, {"sample_seconds": 25}, {"sample_seconds": "x"}])),
        st.tuples(st.just("pass"), st.integers(1, 90)),
        st.just(("reboot", 0)),
        st.just(("crash", 0)),
        st.tuples(st.just("cut"), st.integers(0, 12)),
    ),
    max_size=14,
)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(STEPS)
def test_whatever_happens_the_agent_gets_back_on_line(
    tmp_path_factory: pytest.TempPathFactory, cuts: Cuts, script: list[tuple[str, Any]]
) -> None:
    box = Box(tmp_path_factory.mktemp("box"))
    box.start()
    revision = 0
    for what, value in script:
        try:
            if what == "take":
                revision += 1
                if box.take(revision, value).restart:
                    box.start()
            elif what == "pass":
                box.live(value)
            elif what == "cut":
                cuts.left = value
            elif what == "reboot":
                box.reboot()
                box.start()
            else:
                box.start()
        except PowerCut:
            box.reboot()
            cuts.left = None
            box.start()
        kept = Keeper(box.folder).read().kept.document
        assert "broker" not in kept, "what was never heard is never kept"
    cuts.left = None
    box.reboot()
    box.start()
    box.live()
    assert box.hears
    assert not box.desk.is_pending
