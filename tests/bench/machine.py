"""What the figures were measured on and with: said before any of them."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rigs.processes import RigError, find_program


def machine() -> dict[str, str]:
    """Return name to value: cores, memory, kernel, and the versions of what takes part."""
    found = {
        "cores": f"{len(os.sched_getaffinity(0))} of {_processor()}, load {os.getloadavg()[0]:.1f} before the start",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.1f} GB",
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "mosquitto": _said("mosquitto", "-h"),
        "influxd": _said("influxd", "version"),
    }
    packages = {"aldea": "aldea", "numpy": "numpy", "paho": "paho-mqtt", "uvicorn": "uvicorn", "amqtt": "amqtt"}
    return found | {name: _version(package) for name, package in packages.items()}


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _said(program: str, option: str) -> str:
    try:
        command = [find_program(program, program), option]
    except RigError:
        return "not installed"
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+[.\d]*", said.stdout + said.stderr)
    return found.group(0) if found else "unknown"
