"""`aldea up` as a person runs it: a process, its address, a fresh reading of this machine, Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aldea.model.clock import ManualClock
from aldea.storage.register import open_register
from aldea.storage.register.endpoint import server_url
from rigs.home import STAY_HOME, without_aldea
from rigs.processes import free_port
from rigs.waiting import eventually

pytestmark = pytest.mark.timeout(900)


@contextmanager
def aldea_up(folder: Path, *options: str, broker: str = "amqtt") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run `aldea up` on free ports with its data in `folder`; end it if the test has not."""
    (folder / "aldea.toml").write_text(STAY_HOME)
    port = free_port()
    environ = without_aldea() | {
        "ALDEA_HTTP_PORT": str(port),
        "ALDEA_MQTT_PORT": str(free_port()),
        "ALDEA_BROKER": broker,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "aldea.deploy.cli", "up", "--data", str(folder / "data"), *options],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:  # a test that failed may have read it already
            process.stdout.close()


def ask(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return json.load(answer)


def wait_for_readings(
    process: subprocess.Popen[str], port: int, after: str = "", settled_after: str = "", seconds: float = 180
) -> dict[str, Any]:
    """Return this machine's site once it is up and shows a row measured later than `after` (ISO 8601).

    And once all its rows are there up to a time after `settled_after`: rows and what is known of them come apart.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        try:
            site = ask(port, "/api/v1/sites/this-machine")
        except OSError:
            time.sleep(0.1)
            continue
        measured = {item["measurement"] for item in site["latest"]}
        is_fresh = (site["last_event"] or "") > after and (site["settled_until"] or "") > settled_after
        if is_fresh and site["state"] == "up" and measured >= {"ping", "interfaces", "host"}:
            return dict(site)
        time.sleep(0.1)
    raise AssertionError("this machine's site showed no fresh readings")


def completeness(port: int) -> dict[str, Any]:
    return dict(ask(port, "/api/v1/completeness?site=this-machine")["items"][0])


def children_of(folder: Path) -> list[str]:
    """Return the command lines of all processes that work in this test's data folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder / "data") in command:
            found.append(command)
    return found


@pytest.mark.parametrize("broker", ["amqtt", "mosquitto"])
def test_this_machine_is_measured_shown_and_kept_over_a_restart(tmp_path: Path, broker: str) -> None:
    with aldea_up(tmp_path, "--no-demo", broker=broker) as (process, port):
        first = wait_for_readings(process, port)
        assert (first["state"], first["simulated"]) == ("up", False)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert f"http://127.0.0.1:{port}" in said
    assert "Traceback" not in said
    assert children_of(tmp_path) == []
    with aldea_up(tmp_path, "--no-demo", broker=broker) as (process, port):
        second = wait_for_readings(process, port, first["last_event"], first["settled_until"])
        # The newest rows come first, and what was left from before a moment later.
        eventually(lambda: completeness(port)["ratio"] == 1.0)
        complete = completeness(port)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert second["settled_until"] > first["settled_until"]
    assert complete["lost_rows"] == 0


def test_codes_and_messages_name_the_public_address(tmp_path: Path) -> None:
    config = tmp_path / "public.toml"
    config.write_text(f'{STAY_HOME}[alerts]\npublic_url = "https://aldea.example.org/"\n')
    with aldea_up(tmp_path, "--no-demo", "--config", str(config)) as (process, port):
        wait_for_readings(process, port)
        register = open_register(f"sqlite:///{tmp_path / 'data' / 'register.db'}")
        with register.reading() as unit:
            assert server_url(unit) == "https://aldea.example.org"
        register.close()


def test_killed_it_leaves_nothing_running(tmp_path: Path) -> None:
    with aldea_up(tmp_path, "--no-demo", broker="mosquitto") as (process, port):
        wait_for_readings(process, port)
        assert len(children_of(tmp_path)) >= 3
        process.kill()
        process.wait(60)
    deadline = time.monotonic() + 90
    while children_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children_of(tmp_path) == []


def test_a_second_one_on_the_same_data_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with aldea_up(tmp_path, "--no-demo") as (process, port):
        wait_for_readings(process, port)
        with aldea_up(tmp_path, "--no-demo") as (other, _):
            said, _ = other.communicate(timeout=120)
        assert other.returncode == 1
        assert "another aldea" in said
        assert "Traceback" not in said
        assert process.poll() is None


def test_a_wrong_config_stops_the_start_with_every_error_at_once(tmp_path: Path) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text(
        '[up]\nsend_seconds = 1\ndemo = "perhaps"\nkeep_days = "many"\nbrokr = "amqtt"\n'
        '[[collector.foreign]]\ntopic = "#"\n'
    )
    with aldea_up(tmp_path, "--config", str(config)) as (process, _):
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    for word in ("send_seconds", "demo", "keep_days", "brokr", "collector.foreign"):
        assert any(word in line for line in said.splitlines()), said
    assert "Traceback" not in said
    assert not (tmp_path / "data").exists()


def test_an_address_that_others_can_reach_is_refused_without_accounts(tmp_path: Path) -> None:
    config = tmp_path / "open.toml"
    config.write_text('[up]\nhttp_host = "0.0.0.0"\n')
    with aldea_up(tmp_path, "--config", str(config)) as (process, _):
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "no administrator yet" in said
    assert "Traceback" not in said


def test_no_demo_removes_what_the_fleet_left(tmp_path: Path) -> None:
    from aldea.deploy.allinone.seeding import register_fleet, remove_fleet
    from aldea.storage.register.sites import count_sites
    from aldea.storage.series import open_series_store

    register = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    register.migrate()
    store = open_series_store(f"sqlite:///{tmp_path / 'series.db'}")
    (tmp_path / "simulator").mkdir()
    register_fleet(register, ManualClock())
    register_fleet(register, ManualClock())
    with register.reading() as unit:
        assert count_sites(unit, simulated=True) == 76
    assert remove_fleet(register, store, tmp_path / "simulator") == 76
    with register.reading() as unit:
        assert count_sites(unit, simulated=True) == 0
    assert not (tmp_path / "simulator").exists()
    store.close()
    register.close()
