"""What a fresh agent loads, and what that weighs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from rigs.snmpd import Snmpd

SERVER_LIBRARIES = {
    "numpy", "fastapi", "starlette", "sqlalchemy", "alembic", "influxdb_client", "apscheduler", "pydantic",
    "uvicorn", "amqtt", "babel", "rich",
}  # fmt: skip

NOT_BY_DEFAULT = {
    "urllib.request", "difflib",
    "aldea.agents.enrolling", "aldea.agents.take_over", "aldea.agents.operating.diagnostics",
    "aldea.agents.overlay.handler", "aldea.agents.upgrading.handler", "aldea.agents.upgrading.fetching",
    "aldea.agents.probes.clients", "aldea.agents.probes.power", "aldea.agents.probes.snmp",
    "aldea.agents.probes.throughput.http_test", "aldea.agents.probes.throughput.iperf3_test",
    "aldea.agents.records.desk", "aldea.agents.page.wiring",
}  # fmt: skip
"""What an agent as delivered has no use for, and would keep in memory for good: some 4 MB."""

_SCRIPT = """
import asyncio, importlib, json, pkgutil, sys
from pathlib import Path

def resident_bytes():
    import resource
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

def modules_of(name):
    package = importlib.import_module(name)
    yield name
    for found in pkgutil.walk_packages(package.__path__, f"{name}."):
        if found.name.rpartition(".")[2] != "__main__":
            yield found.name

import aldea.agents
MODULES
imported = resident_bytes()
from aldea.agents.probe import ProbeContext, run_probe
from aldea.agents.probes import scheduled_probes
from aldea.agents.settings import AgentSettings
from aldea.model.clock import SystemClock
from dataclasses import replace
settings = AgentSettings(site="a")
if sys.argv[1:]:
    # The default probes, their questions turned to closed ports of loopback.
    from aldea.agents.probe_settings import HttpTarget
    settings = replace(
        settings,
        ping=replace(settings.ping, gateway=False, anchors=("127.0.0.1",)),
        dns=replace(settings.dns, servers=("127.0.0.1:9",), timeout_seconds=0.1),
        http=replace(settings.http, targets=(HttpTarget(url="http://127.0.0.1:9/"),)),
    )
    if sys.argv[2:]:
        # And a router and a UPS by SNMP, with version 3 and encryption where a folder with passwords is given.
        from aldea.agents.device_settings import NutUps, PowerSettings, SnmpSettings, SnmpTarget, SnmpUps
        device = {"host": "127.0.0.1", "port": int(sys.argv[2])}
        if sys.argv[3:]:
            secrets = Path(sys.argv[3])
            device |= dict(version="3", user="aldea", auth_password_file=secrets / "auth")
            device |= dict(privacy_protocol="aes", privacy_password_file=secrets / "privacy")
        target = SnmpTarget(**device, interface="lo", clients_oid="1.3.6.1.2.1.2.2.1.1", clients_from="rows")
        settings = replace(
            settings,
            snmp=SnmpSettings(targets=(target,)),
            power=PowerSettings(machine=True, nut=(NutUps(ups="none", port=9),), snmp=(SnmpUps(**device),)),
        )
    async def rounds():
        for scheduled in scheduled_probes(settings, ProbeContext(SystemClock(), Path("."))):
            for _ in range(3):
                await run_probe(scheduled.probe, 5)
    asyncio.run(rounds())
print(json.dumps({"modules": sorted(sys.modules), "imported": imported, "resident": resident_bytes()}))
"""
_ALL_MODULES = 'for name in modules_of("aldea.agents"): importlib.import_module(name)'


def _fresh(modules: str, *arguments: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:  # where the budget's account is kept
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", _SCRIPT.replace("MODULES", modules), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=folder,
        )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _packages(modules: list[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_the_whole_agent_loads_nothing_of_the_server() -> None:
    fresh = _fresh(_ALL_MODULES)
    print(f"every module of the agent: {fresh['imported'] / 1e6:.1f} MB resident")
    assert "aldea.agents.probes.snmp_client" in fresh["modules"]
    assert not SERVER_LIBRARIES & _packages(fresh["modules"])
    assert "aldea.model.columns" not in fresh["modules"]
    ours = {name.split(".")[1] for name in fresh["modules"] if name.startswith("aldea.")}
    assert ours == {"agents", "model"}


def test_the_default_probes_load_neither_snmp_nor_certificates_and_stay_small() -> None:
    fresh = _fresh("pass", "measure")
    print(f"after three rounds of the default probes: {fresh['resident'] / 1e6:.1f} MB resident")
    assert not {"pysnmp", "cryptography"} & _packages(fresh["modules"])
    assert fresh["resident"] <= 40e6


def test_what_an_agent_as_delivered_does_not_use_is_not_loaded() -> None:
    fresh = _fresh("import aldea.agents.__main__, aldea.agents.operating.registry", "measure")
    assert "aldea.agents.uplink.link" in fresh["modules"]
    assert sorted(NOT_BY_DEFAULT & set(fresh["modules"])) == []


def test_an_agent_without_its_page_loads_nothing_of_a_page() -> None:
    fresh = _fresh("import aldea.agents.commands, aldea.agents.operating.registry")
    assert not {"bottle", "jinja2", "waitress", "cryptography"} & _packages(fresh["modules"])
    assert not [name for name in fresh["modules"] if name.startswith("aldea.agents.checkup")]


@pytest.mark.parametrize("encrypted", [False, True])
def test_with_a_router_and_a_ups_by_snmp_it_stays_within_its_budget(tmp_path: Path, encrypted: bool) -> None:
    secrets = []
    if encrypted:
        pytest.importorskip("cryptography", reason="privacy needs the package cryptography")
        (tmp_path / "auth").write_text("authsecret1")
        (tmp_path / "privacy").write_text("privsecret1")
        secrets = [str(tmp_path)]
    extra = ["createUser aldea SHA authsecret1 AES privsecret1", "rouser aldea priv"]
    with Snmpd(tmp_path / "router", extra=extra) as router:
        fresh = _fresh("pass", "measure", str(router.port), *secrets)
    print(f"with SNMP and power: {fresh['resident'] / 1e6:.1f} MB resident")
    assert "pysnmp" in _packages(fresh["modules"])
    assert fresh["resident"] <= 64e6
