"""`python -m labkit.counted_bytes`: the bytes that tests by HTTP say they cost, against the interface's counters.

Slow links with a short and a long queue before them; tests that end by themselves, at their cap, and that are given up
after a second and after four. Needs root; takes some ten minutes, nearly all of them waiting.
"""

from __future__ import annotations

import argparse
import multiprocessing
import threading
from collections.abc import Iterator
from typing import NamedTuple

from aldea.agents.probes.throughput.http_test import HttpTest
from aldea.agents.probes.throughput.outcome import Direction, Limits
from labkit.shaped_link import PORT, SERVER, ShapedLink, shaped_link

RATES = (64_000, 128_000, 256_000, 512_000, 1_000_000, 2_000_000)
QUEUES = ("150ms", "1500ms")
ENDS = {"by itself": None, "capped": None, "given up after 1 s": 1.0, "given up after 4 s": 4.0}
STILL_SECONDS = 4.0


class Counted(NamedTuple):
    """One test. Both in bytes."""

    rate: int
    queue: str
    end: str
    direction: str
    said: int
    carried: int

    @property
    def over(self) -> float:
        """How much too high it is, in percent."""
        return 100 * (self.said / self.carried - 1)


def measured(link: ShapedLink, rate: int, queue: str, end: str, direction: Direction) -> Counted:
    """Run one test."""
    cap = 24_000 + 5 * rate // 8 if end == "capped" else 16_000_000
    url = f"http://{SERVER}:{PORT}/" + ("{bytes}" if direction is Direction.DOWN else "")
    test = HttpTest(url, direction, Limits(cap, 12.0, 4, 5.0), None)
    seconds = ENDS[end]
    if seconds is not None:
        threading.Timer(seconds, test.abandon).start()
    outcome, carried = link.measure(test, STILL_SECONDS)
    return Counted(rate, queue, end, direction.value, outcome.spent_bytes, carried)


def on_one_link(rate: int, queue: str, runs: int) -> list[Counted]:
    """Run all tests on a link, each so many times."""
    with shaped_link(rate, "2kb" if rate < 1_000_000 else "16kb", queue) as link:
        return [
            measured(link, rate, queue, end, direction) for end in ENDS for direction in Direction for _ in range(runs)
        ]


def lines(found: list[Counted]) -> Iterator[str]:
    """Return a line for each link, end and direction, and a summary."""
    kinds = sorted({(item.direction, item.end, item.rate, item.queue) for item in found})
    for kind in kinds:
        alike = [item for item in found if (item.direction, item.end, item.rate, item.queue) == kind]
        direction, end, rate, queue = kind
        errors = "".join(f"{item.over:+7.1f}" for item in alike)
        yield f"{direction:>5}  {end:18} {rate:>9} bit/s {queue:>7}  {alike[0].carried // 1000:>6} kB {errors} %"
    for least in (0, 30_000, 100_000):
        of = [item.over for item in found if item.carried >= least]
        within = sum(abs(error) <= 5 for error in of)
        spread = f"{min(of):+.1f} to {max(of):+.1f} %"
        yield f"tests of {least // 1000} kB and more: {within} of {len(of)} within 5 %, {spread}"


def main() -> None:
    """Measure on all links at once, and print."""
    parser = argparse.ArgumentParser(prog="python -m labkit.counted_bytes", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="of each test (default: 3)")
    runs = parser.parse_args().runs
    links = [(rate, queue, runs) for rate in RATES for queue in QUEUES]
    with multiprocessing.get_context("spawn").Pool(len(links)) as pool:
        found = [item for of_one in pool.starmap(on_one_link, links) for item in of_one]
    print("\n".join(lines(found)))


if __name__ == "__main__":
    main()
