"""From "it is repaired" to the server's word, over restarts and silence."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agentkit.box import Browser, Idle, make_view
from aldea.agents.checkup.evidence import Evidence, Interface, Network
from aldea.agents.operating.handler import State
from aldea.agents.operating.repair_answer import RepairAnswer
from aldea.agents.page.app import build_site
from aldea.agents.page.repairing import Repairing
from aldea.agents.page.repairs import KEPT, RepairBook, RepairState
from aldea.model.catalogue import CATALOGUE
from aldea.model.clock import ManualClock
from aldea.model.messages import Command

MINUTE = 60_000
UNPLUGGED = Evidence(network=Network((Interface("eth0", False, False),), None, None))


@pytest.fixture
def idle() -> Idle:
    return Idle(UNPLUGGED)


@pytest.fixture
def technician(tmp_path: Path, clock: ManualClock, idle: Idle) -> Browser:
    return Browser(build_site(make_view(tmp_path, clock, None, idle)))


def answer(folder: Path, repair: Any, confirmed: Any, **more: str) -> State:
    async def tell(state: State, detail: Any) -> None:
        raise AssertionError("it has no steps")

    payload = {"repair": repair, "confirmed": confirmed, **more}
    command = Command("c1", "repair_answer", payload, expires_ms=2**50)
    return asyncio.run(RepairAnswer(folder).carry_out(command, tell)).state


def reported(browser: Browser, note: str = "") -> str:
    told = browser.post("/repaired", {"note": note})
    assert told.status == 303
    return told.headers["location"]


def test_a_report_goes_out_at_once_with_what_the_box_found(technician: Browser, idle: Idle, tmp_path: Path) -> None:
    path = reported(technician, "cable\0 nuevo")
    (row,) = idle.recorded
    assert row.measurement == "repair"
    assert set(row.fields) == {item.name for item in CATALOGUE["repair"].fields}
    assert path == f"/repaired/{row.fields['repair']}"
    assert row.fields["note"] == "cable nuevo"
    findings = json.loads(str(row.fields["findings"]))
    assert {"key": "cable", "state": "wrong"}.items() <= next(f for f in findings if f["key"] == "cable").items()
    text = technician.get(path).text
    assert "El aviso va en camino al servidor" in text
    assert f'<meta http-equiv="refresh" content="5;url={path}">' in text
    assert "No llega señal por el cable" in text
    assert (tmp_path / "repairs.json").stat().st_mode & 0o777 == 0o600


def test_the_server_confirms(technician: Browser, tmp_path: Path, clock: ManualClock) -> None:
    path = reported(technician)
    clock.advance(2 * MINUTE)
    told = {"sentence_es": "Confirmado: el sitio funciona.", "sentence_en": "Confirmed: the site works."}
    assert answer(tmp_path, path.rpartition("/")[2], True, **told) is State.DONE
    text = technician.get(path).text
    assert "Confirmado" in text
    assert "El sitio funciona." in text
    assert "refresh" not in text
    assert "The site works." in technician.get(f"{path}?lang=en").text


def test_the_server_says_not_yet_and_why(technician: Browser, tmp_path: Path) -> None:
    path = reported(technician)
    answer(tmp_path, path.rpartition("/")[2], False, sentence_en="Loss is still 40 %.")
    text = technician.get(f"{path}?lang=en").text
    assert "Not yet" in text
    assert "Loss is still 40 %." in text
    assert "What the box itself finds" in text


def test_without_a_word_from_the_server_it_is_not_yet_after_ten_minutes(
    technician: Browser, tmp_path: Path, clock: ManualClock
) -> None:
    path = reported(technician)
    clock.advance(10 * MINUTE - 1)
    assert "Wait" in technician.get(f"{path}?lang=en").text
    clock.advance(1)
    text = technician.get(f"{path}?lang=en").text
    assert "Not yet" in text
    assert "The server has not heard us." in text
    assert "No signal comes through the box's network cable." in text
    assert "refresh" not in text
    answer(tmp_path, path.rpartition("/")[2], True)
    assert "Confirmed" in technician.get(path).text, "a late word still counts"


def test_a_second_press_leads_to_the_report_that_is_pending(
    technician: Browser, idle: Idle, clock: ManualClock, tmp_path: Path
) -> None:
    path = reported(technician)
    clock.advance(5 * MINUTE)
    assert reported(technician) == f"{path}?said=reported_already"
    assert "Ya se había avisado" in technician.get(f"{path}?said=reported_already").text
    assert f'content="5;url={path}"' in technician.get(f"{path}?said=reported_already").text, "said once"
    assert len(idle.recorded) == 1
    answer(tmp_path, path.rpartition("/")[2], False)
    again = reported(technician)
    assert again != path, "what is not yet repaired may be said again at once"
    answer(tmp_path, again.rpartition("/")[2], True)
    assert reported(technician) == f"{again}?said=reported_already", "pressed twice"
    clock.advance(MINUTE)
    assert reported(technician) != again


def test_a_report_survives_a_restart_of_the_agent_and_of_the_machine(
    tmp_path: Path, clock: ManualClock, idle: Idle
) -> None:
    path = reported(Browser(build_site(make_view(tmp_path, clock, None, idle))))
    clock.advance(4 * MINUTE)
    again = Browser(build_site(make_view(tmp_path, clock, None, idle)))
    assert "Espere" in again.get(path).text
    assert "6 minutos" in again.get(path).text
    rebooted = ManualClock(mono_ms=MINUTE)
    repairing = Repairing(
        book=RepairBook(tmp_path),
        clock=rebooted,
        boot_id="another boot",
        known_ms=lambda: None,
        submit=idle.submit,
        check=idle.check,
        record=idle.record,
    )
    after = Browser(build_site(make_view(tmp_path, rebooted, None, idle, repairing=repairing)))
    assert "9 minutos" in after.get(path).text, "counted from the new boot: more is not known"
    rebooted.advance(9 * MINUTE)
    assert "El servidor no nos ha oído" in after.get(path).text


def test_after_a_power_cut_the_ten_minutes_go_on_where_the_time_is_known(tmp_path: Path) -> None:
    kept = RepairBook(tmp_path).add("note", "boot", 5 * MINUTE, 1_795_392_000_000)
    assert kept.waited_ms("another boot", MINUTE, 1_795_392_000_000 + 11 * MINUTE) == 11 * MINUTE
    assert kept.waited_ms("another boot", MINUTE, None) == MINUTE
    assert kept.waited_ms("another boot", MINUTE, 0) == MINUTE, "a clock that went back makes nobody wait longer"
    assert not kept.is_pending(11 * MINUTE)


def test_a_report_whose_checks_were_cut_short_is_sent_after_the_restart(
    tmp_path: Path, clock: ManualClock, idle: Idle
) -> None:
    kept = RepairBook(tmp_path).add("note", "boot", clock.mono_ms(), None)
    view = make_view(tmp_path, clock, None, idle)
    view.repairing.resume()
    assert [row.fields["repair"] for row in idle.recorded] == [kept.id]
    found = RepairBook(tmp_path).find(kept.id)
    assert found is not None
    assert found.state is RepairState.SENT


def test_after_a_power_cut_a_report_is_a_new_one(tmp_path: Path, clock: ManualClock, idle: Idle) -> None:
    old = RepairBook(tmp_path).add("the one before", "boot before the power cut", clock.mono_ms(), None)
    technician = Browser(build_site(make_view(tmp_path, clock, None, idle)))
    path = reported(technician, "fusible nuevo")
    assert old.id not in path
    assert [row.fields["note"] for row in idle.recorded] == ["fusible nuevo"]


def test_a_word_of_the_server_that_is_quicker_than_the_disk_holds(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = Idle(UNPLUGGED)

    async def recorded(row: Any) -> bool:
        RepairBook(tmp_path).answered(str(row.fields["repair"]), {}, confirmed=True)
        return True

    monkeypatch.setattr(idle, "record", recorded)
    technician = Browser(build_site(make_view(tmp_path, clock, None, idle)))
    assert "Confirmado" in technician.get(reported(technician)).text


def test_a_button_pressed_twice_at_once_is_one_report(
    tmp_path: Path, clock: ManualClock, idle: Idle, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = build_site(make_view(tmp_path, clock, None, idle))
    phones = [Browser(site, peer=f"192.168.1.{number}") for number in (50, 51, 52)]
    tokens = [phone.get("/repaired").csrf for phone in phones]
    looked = RepairBook.last

    def slowly(book: RepairBook) -> Any:
        found = looked(book)
        threading.Event().wait(0.05)
        return found

    monkeypatch.setattr(RepairBook, "last", slowly)
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(lambda phone, token: phone.post_bare("/repaired", {"csrf": token}), phones, tokens))
    assert len({answer.headers["location"].partition("?")[0] for answer in told}) == 1
    assert len(idle.recorded) == 1


def test_a_report_that_breaks_off_is_said_at_once(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = Idle(UNPLUGGED)

    async def broken(row: Any) -> bool:
        raise RuntimeError("whatever")

    monkeypatch.setattr(idle, "record", broken)
    technician = Browser(build_site(make_view(tmp_path, clock, None, idle)))
    assert "La caja no pudo guardar el aviso" in technician.get(reported(technician)).text


def test_a_report_that_the_disk_does_not_take_is_said(technician: Browser, idle: Idle) -> None:
    idle.takes = False
    text = technician.get(f"{reported(technician)}?lang=en").text
    assert "Not yet" in text
    assert "The box could not keep the report" in text


def test_a_folder_that_cannot_be_written_is_said(technician: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aldea.agents.page.repairs.write_whole", full)
    assert technician.post("/repaired", {"note": ""}).headers["location"] == "/repaired?said=not_kept"


@pytest.mark.parametrize(("repair", "confirmed"), [("0" * 32, True), (None, True), ("0" * 32, "yes")])
def test_an_answer_to_nothing_is_refused(tmp_path: Path, repair: Any, confirmed: Any) -> None:
    assert answer(tmp_path, repair, confirmed) is State.FAILED


def test_only_the_newest_reports_are_kept_and_a_spoilt_file_is_begun_anew(tmp_path: Path) -> None:
    book = RepairBook(tmp_path)
    made = [book.add(str(number), "boot", number, None) for number in range(KEPT + 5)]
    assert book.find(made[0].id) is None
    assert book.last() == made[-1]
    (tmp_path / "repairs.json").write_text("{")
    assert book.last() is None
    assert book.add("new", "boot", 0, None) == book.last()


def test_an_unknown_report_is_no_page(technician: Browser) -> None:
    assert technician.get(f"/repaired/{'0' * 32}").status == 404
    assert technician.get("/repaired/../../etc/passwd").status == 404
