"""Who this machine is and how far its clock can be believed. Linux; `root` is where /proc and /sys are."""

from __future__ import annotations

import ctypes
import hashlib
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from aldea.model.clock import Clock, ClockState

ROOT = Path("/")

RELEASED_MS = 1_748_736_000_000
"""1 June 2025. A wall clock before this release was made is wrong, whoever set it."""

_PLACEHOLDERS = re.compile(
    r"(to be filled.*|default string|not (specified|available|applicable)|none|n/?a|system serial number"
    r"|unknown|[0x:. -]*|[fx:. -]*|0?123456789(abcdef)?)",
    re.IGNORECASE,
)


def boot_id(root: Path = ROOT) -> str:
    """Return the id the kernel gave this boot. Raises OSError where there is no Linux /proc."""
    return (root / "proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def hardware_id(root: Path = ROOT) -> str | None:
    """Return 16 hex digits that belong to this hardware, or None when nothing tells it apart.

    The first of: the board's serial number (device tree, as on a Raspberry Pi), the firmware's product
    UUID and serial numbers (readable by root only, so an agent that changes its user may change
    its id), the permanent addresses of the built-in network cards, those of the plugged-in ones.
    What a copied disk would bring along, such as /etc/machine-id, does not count.

    The id is a slow hash (PBKDF2) under a fixed name: no serial number or MAC address leaves the machine,
    and trying all addresses of a maker is made slow. It is a pseudonym, not a secret.
    """
    for kind, value in _identities(root):
        salt = f"aldea hardware id 1 {kind}".encode()
        return hashlib.pbkdf2_hmac("sha256", value.encode(), salt, 50_000, dklen=8).hex()
    return None


def _identities(root: Path) -> Iterator[tuple[str, str]]:
    for tree in ("proc/device-tree", "sys/firmware/devicetree/base"):
        if serial := _identity(root / tree / "serial-number"):
            yield "board", serial
    for name in ("product_uuid", "product_serial", "board_serial"):
        if serial := _identity(root / "sys/class/dmi/id" / name):
            yield name, serial
    for plugged_in in (False, True):
        if addresses := ",".join(_permanent_addresses(root, plugged_in=plugged_in)):
            yield "addresses", addresses


def _identity(path: Path) -> str | None:
    """Return the text of `path` unless it is missing, unreadable or a maker's placeholder."""
    text = _text(path)
    return None if text is None or _PLACEHOLDERS.fullmatch(text) else text.lower()


def _permanent_addresses(root: Path, *, plugged_in: bool) -> list[str]:
    """Return the burnt-in MAC addresses of physical cards, sorted; `plugged_in`: of those on USB."""
    found = []
    for card in sorted((root / "sys/class/net").glob("*")):
        on_usb = "/usb" in str(card.resolve())
        permanent = _text(card / "addr_assign_type") == "0"
        address = _identity(card / "address")
        if (card / "device").exists() and permanent and address and on_usb == plugged_in:
            found.append(address)
    return sorted(found)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \r\n\t")
    except OSError:
        return None


_ASK_SECONDS = 5.0
"""While a machine goes down, all its services read from a slow card at once."""


def is_going_down(system_state: Callable[[], str] | None = None) -> bool:
    """Say whether the machine itself is being shut down or restarted, as systemd tells; False where none runs.

    `system_state` returns what `systemctl is-system-running` would print.
    """
    return (system_state or _systemd_state)() == "stopping"


def _systemd_state() -> str:
    command = ["systemctl", "is-system-running"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)  # noqa: S603 - constants; PATH is the service manager's
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2); the kernel's padding is part of it."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 40),
    ]


_STA_UNSYNC = 0x0040
_TIME_ERROR = 5


def kernel_is_synchronised() -> bool:
    """Say whether something (NTP, PTP, GPS) disciplines the kernel's clock, by adjtimex(2)."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _TIME_ERROR and not timex.status & _STA_UNSYNC


def clock_state(
    clock: Clock, root: Path = ROOT, synchronised: Callable[[], bool] = kernel_is_synchronised
) -> ClockState:
    """Return how far the wall clock can be believed.

    `ntp`: the kernel says it is disciplined. `rtc`: a hardware clock kept it over the power cut. A time
    before this release is `unsynced` whatever they say: a flat battery restarts a hardware clock at its epoch.
    """
    if clock.wall_ms() < RELEASED_MS:
        return ClockState.UNSYNCED
    if synchronised():
        return ClockState.NTP
    has_rtc = any((root / "sys/class/rtc").glob("rtc*"))
    return ClockState.RTC if has_rtc else ClockState.UNSYNCED
