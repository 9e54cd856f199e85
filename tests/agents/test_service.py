"""The whole agent: started, stopped, locked, configured wrongly, and from the command line."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from agentkit.making import held_rows, make_outbox, ping
from agentkit.waiting import eventually
from aldea.agents.__main__ import main
from aldea.agents.budget import LedgerFile
from aldea.agents.budget.budget import AHEAD_BYTES
from aldea.agents.commands import load_agent_settings, run_one_probe
from aldea.agents.lock import AlreadyRunning, FolderLock
from aldea.agents.outbox import Machine
from aldea.agents.probe import ScheduledProbe
from aldea.agents.service import AgentService
from aldea.agents.settings import AgentSettings, BrokerSettings
from aldea.model.clock import SystemClock
from aldea.model.sample import Reading
from aldea.model.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rigs.mosquitto import Mosquitto

CLOCK = SystemClock()


class Steady:
    """A probe that always answers, and counts its rounds."""

    name = "ping"

    def __init__(self) -> None:
        self.rounds = 0

    async def measure(self) -> Sequence[Reading]:
        self.rounds += 1
        return [ping()]

    async def aclose(self) -> None:
        return None


def settings_for(folder: Path, port: int = 1) -> AgentSettings:
    broker = BrokerSettings(port=port)
    return AgentSettings(site="village", data=folder, sample_seconds=0.1, send_seconds=0.2, broker=broker)


def test_a_service_built_from_code_measures_with_the_probes_it_is_given(tmp_path: Path) -> None:
    async def story() -> None:
        machine = Machine("hardware", "ab" * 16, "0.1")
        steady = Steady()
        service = AgentService(settings_for(tmp_path), [ScheduledProbe(steady, 0.1, 5.0)], machine=machine)
        running = asyncio.create_task(service.run())
        async with asyncio.timeout(60):
            while steady.rounds < 2:  # noqa: ASYNC110 - the second begins once all of the first is stored
                await asyncio.sleep(0.02)
            service.stop()
            await running

    asyncio.run(story())
    outbox = make_outbox(tmp_path, boot="ab" * 16)
    rows = held_rows(outbox)
    outbox.close()
    assert [row.measurement for row in rows[:3]] == ["boot", "ping", "agent"]
    assert rows[-1].measurement == "boot"
    assert rows[-1].fields["kind"] == "restart"
    assert rows[-1].fields["clean"] is True


def test_what_the_agent_sends_is_booked_ahead_while_it_runs_and_as_it_was_when_it_ends(tmp_path: Path) -> None:
    def booked() -> tuple[int, int]:
        ledger = LedgerFile(tmp_path).read()
        return ledger.ahead_bytes, ledger.charged().telemetry_bytes

    async def story() -> None:
        probe = ScheduledProbe(Steady(), 60.0, 5.0)
        service = AgentService(settings_for(tmp_path), [probe], machine=Machine("hardware", "ab" * 16, "0.1"))
        running = asyncio.create_task(service.run())
        await eventually(lambda: booked()[0])
        assert booked()[1] >= AHEAD_BYTES
        service.stop()
        await running

    asyncio.run(story())
    ahead, telemetry = booked()
    assert ahead == 0
    assert telemetry < AHEAD_BYTES


def test_only_one_agent_uses_a_folder(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    with pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}\) already uses .* --data"):
        asyncio.run(AgentService(settings_for(tmp_path)).run())
    lock.release()
    FolderLock(tmp_path).release()


def test_wrong_settings_stop_the_start_and_every_mistake_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "aldea.toml"
    config.write_text('[agent]\nsite = "Not An Id"\nsend_second = 3\n[agent.broker]\nport = 99999\n')
    assert main(["--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert "agent.site" in said
    assert "did you mean send_seconds?" in said
    assert "agent.broker.port" in said
    assert main(["--config", str(tmp_path / "none.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_password_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    broker = BrokerSettings(username="village/agent", password_file=tmp_path / "none")
    with pytest.raises(SettingsError, match="password_file cannot be read"):
        AgentService(AgentSettings(site="village", data=tmp_path, broker=broker))


def test_options_win_over_variables_and_variables_over_the_file(tmp_path: Path) -> None:
    config = tmp_path / "aldea.toml"
    config.write_text('[agent]\nsite = "from-file"\ndevice = "box"\n')
    settings = load_agent_settings(config, {"ALDEA_SITE": "from-env"})
    assert (settings.site, settings.device) == ("from-env", "box")


def test_one_probe_can_be_run_alone(tmp_path: Path) -> None:
    readings = run_one_probe(settings_for(tmp_path), "host")
    assert readings[0].measurement == "host"
    with pytest.raises(KeyError):
        run_one_probe(settings_for(tmp_path), "none")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.alone
def test_started_as_a_process_it_sends_within_seconds_and_stops_in_order_within_five(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    command = [sys.executable, "-m", "aldea.agents", "run", "--site", "village", "--data", str(tmp_path)]
    process = subprocess.Popen(
        [*command, "--mqtt-port", str(mosquitto.port)], stderr=subprocess.PIPE, text=True, env=os.environ.copy()
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "connected to" in line:
            break
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"process {process.pid}" in second.stderr
    threading.Event().wait(0.5)
    before = CLOCK.mono_ms()
    process.send_signal(signal.SIGTERM)
    rest = process.stderr.read()
    assert process.wait(60) == 0, rest
    assert CLOCK.mono_ms() - before < 5_000
    assert "Traceback" not in rest
    process.stderr.close()
    outbox = make_outbox(tmp_path, hardware="")
    assert held_rows(outbox)[-1].fields["clean"] is True
    outbox.close()


def test_the_agent_loads_nothing_of_the_server_and_no_snmp_without_a_target() -> None:
    code = (
        "import sys, aldea.agents.__main__; "
        "print([name for name in ('numpy', 'sqlalchemy', 'fastapi', 'pydantic', 'influxdb_client', 'pysnmp', "
        "'aldea.collector', 'aldea.storage', 'aldea.deploy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
