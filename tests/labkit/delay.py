"""A satellite's delay: a TUN device whose packets come back out of it after a while, none sooner.

    python delay.py NAME ADDRESS MILLISECONDS

What is routed into the device is held for so long by the monotonic clock and then put back, in the order of coming,
however many there are: the rate is not touched. The queue is bounded; what does not fit is dropped and counted. It
says `ready` once the device is there. SIGTERM: what is held is still delivered, and the counts are said.

The kernel here has no netem.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections import deque
from types import FrameType

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_LARGEST_PACKET = 65_535
MOST_PACKETS = 20_000


class Relay:
    """One device and what it holds: (due, packet). All are held equally long, so the first to come is first due."""

    def __init__(self, device: int, delay_seconds: float, most: int = MOST_PACKETS) -> None:
        self._device = device
        self._delay = delay_seconds
        self._most = most
        self._held: deque[tuple[float, bytes]] = deque()
        self.passed = self.dropped = 0
        self._ending = False

    def end(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Take no more, and end once all that is held has gone."""
        self._ending = True

    def run(self) -> None:
        """Go on until told to end."""
        while self._held or not self._ending:
            wait = 0.2 if not self._held else max(0.0, self._held[0][0] - time.monotonic())
            if self._ending:
                time.sleep(wait)
            elif select.select([self._device], [], [], min(wait, 0.2))[0]:
                self._take()
            self._let_go()

    def _take(self) -> None:
        """Take what is there."""
        while True:
            try:
                packet = os.read(self._device, _LARGEST_PACKET)
            except BlockingIOError:
                return
            if len(self._held) < self._most:
                self._held.append((time.monotonic() + self._delay, packet))
            else:
                self.dropped += 1

    def _let_go(self) -> None:
        """Put back what is due."""
        now = time.monotonic()
        while self._held and self._held[0][0] <= now:
            _, packet = self._held.popleft()
            try:
                os.write(self._device, packet)
                self.passed += 1
            except OSError:
                self.dropped += 1


def tun(name: str, address: str) -> int:
    """Make a TUN device that is up; return its file, which does not block. Needs root."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    subprocess.run(["ip", "address", "add", address, "dev", name], check=True)
    subprocess.run(["ip", "link", "set", name, "txqueuelen", "10000", "up"], check=True)
    return device


def program(name: str, address: str, milliseconds: float) -> list[str]:
    """Return the command that runs it."""
    return [sys.executable, __file__, name, address, str(milliseconds)]


def main() -> int:
    """Run."""
    name, address, milliseconds = sys.argv[1:]
    relay = Relay(tun(name, address), float(milliseconds) / 1000)
    signal.signal(signal.SIGTERM, relay.end)
    print("ready", flush=True)
    relay.run()
    print(f"{relay.passed} packets passed, {relay.dropped} dropped", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
