"""`python -m aldea.simulator fleet`: run the simulated fleet against a broker."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from gettext import gettext as _
from pathlib import Path

from aldea.model.clock import SystemClock
from aldea.simulator.broker import Address, Broker
from aldea.simulator.fleet import registrations
from aldea.simulator.runner import Fleet, Progress, run
from aldea.simulator.state import StateError, keep_plan

_EXAMPLE = "example: python -m aldea.simulator fleet --mqtt-host 127.0.0.1 --mqtt-port 1883 --data ./data/simulator"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0 when it was stopped in order, 2 when it can't start."""
    parser = argparse.ArgumentParser(prog="python -m aldea.simulator", epilog=_EXAMPLE)
    add_arguments(parser)
    try:
        run_fleet(parser.parse_args(arguments))
    except StateError as error:
        sys.stderr.write(f"The simulated fleet cannot start: {error}\n")
        return 2
    return 0


def run_fleet(options: argparse.Namespace) -> None:
    """Run the fleet until it is stopped. Raises StateError where its folder cannot be used."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    clock = SystemClock()
    try:
        plan = keep_plan(options.data, clock.wall_ms(), options.seed, options.days)
    except OSError as error:
        raise StateError(str(error)) from error
    fleet = Fleet(registrations(), plan, options.send_seconds * 1000, clock.wall_ms())
    password = os.environ.get("ALDEA_SIMULATOR_PASSWORD")
    address = Address(options.mqtt_host, options.mqtt_port, options.mqtt_username, password)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if options.until_stdin_closes:
        threading.Thread(target=_until_stdin_closes, args=(stop,), daemon=True).start()
    run(fleet, Broker(address, fleet.topics, clock), clock, stop, _reporter(as_json=options.progress_json))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the one action, `fleet`, with its options, in the language of gettext's current domain."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="fleet")
    fleet = commands.add_parser(
        "fleet",
        help=_("76 simulated villages that talk to a collector"),
        description=_("Run 76 simulated villages in 16 Mexican states. All they tell is made up."),
    )
    fleet.add_argument("--mqtt-host", default="127.0.0.1", help=_("the broker's host (default: %(default)s)"))
    fleet.add_argument("--mqtt-port", type=int, default=1883, help=_("the broker's port (default: %(default)s)"))
    fleet.add_argument("--mqtt-username", help=_("user at the broker; its password in ALDEA_SIMULATOR_PASSWORD"))
    fleet.add_argument("--data", type=Path, required=True, help=_("folder that keeps when the fleet began"))
    fleet.add_argument("--days", type=_days, default=40.0, help=_("days of history of a new fleet (default: 40)"))
    fleet.add_argument("--seed", type=int, help=_("number that decides what happens (default: the kept one, or 1)"))
    fleet.add_argument(
        "--send-seconds", type=_seconds, default=300, help=_("how often each village sends (default: %(default)s)")
    )
    fleet.add_argument("--progress-json", action="store_true", help=_("tell progress as JSON lines on stdout"))
    fleet.add_argument(
        "--until-stdin-closes", action="store_true", help=_("stop when standard input ends, with the parent")
    )


def _days(text: str) -> float:
    days = float(text)
    if not 0 < days <= 400:
        raise argparse.ArgumentTypeError(_("%(text)s is not a number of days above 0 and up to 400") % {"text": text})
    return days


def _seconds(text: str) -> int:
    seconds = int(text)
    if not 1 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(_("%(text)s is not a number of seconds from 1 to 86400") % {"text": text})
    return seconds


def _until_stdin_closes(stop: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    stop.set()


def _reporter(*, as_json: bool) -> Callable[[Progress], None]:
    """Return what tells progress: a line for each change, and one when the fleet lives."""
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        if told and (told[-1] == progress or told[-1].complete):
            return
        told[:] = [progress]
        if as_json:
            lines: list[dict[str, object]] = [{"phase": "history", "done": progress.done, "total": progress.total}]
            lines += [{"phase": "live"}] if progress.complete else []
            text = "".join(json.dumps(line) + "\n" for line in lines)
        else:
            history = _("history: %(done)s of %(total)s rows")
            text = history % {"done": f"{progress.done:,}", "total": f"{progress.total:,}"}
            text += _(", now live") + "\n" if progress.complete else "\n"
        sys.stdout.write(text)
        sys.stdout.flush()

    return tell


if __name__ == "__main__":
    sys.exit(main())
