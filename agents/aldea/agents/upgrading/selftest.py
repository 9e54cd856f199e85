"""Can this release run here? `python -m aldea.agents.upgrading.selftest VERSION FORMAT [the agent's arguments]`.

Run by the version before, in the new environment, without a network and without touching anything: everything is
imported, the settings are read, what it needs is there.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions, version
from pathlib import Path

from aldea.agents.outbox.formats import OUTBOX_FORMAT
from aldea.model.settings import SettingsError

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?")
_CLAUSE = re.compile(r"(===|==|!=|~=|<=|>=|<|>)\s*([0-9][0-9a-zA-Z.*+!-]*)")


def unmet(wanted: Distribution) -> list[str]:
    """Return a sentence for each requirement of a package that is not met here. Extras and markers are left out."""
    found = []
    for text in wanted.requires or ():
        parts = _REQUIREMENT.fullmatch(text)
        if parts is None or parts[3]:
            continue
        try:
            there = version(parts[1])
        except PackageNotFoundError:
            found.append(f"{parts[1]} is missing: sign the release with its wheel")
            continue
        if not all(_fits(there, sign, bound) for sign, bound in _CLAUSE.findall(parts[2])):
            found.append(
                f"{parts[1]} {there} is there and {parts[2].strip()} is needed: sign the release with its wheel"
            )
    return found


def _fits(there: str, sign: str, bound: str) -> bool:
    own, other = _numbers(there), _numbers(bound)
    length = max(len(own), len(other))
    a, b = (*own, *[0] * (length - len(own))), (*other, *[0] * (length - len(other)))
    prefix = own[: len(other)] == other
    return {
        "==": prefix if bound.endswith(".*") else a == b,
        "===": there == bound,
        "!=": not prefix if bound.endswith(".*") else a != b,
        "~=": a >= b and own[: len(other) - 1] == other[:-1],
        "<=": a <= b,
        ">=": a >= b,
        "<": a < b,
        ">": a > b,
    }[sign]


def _numbers(text: str) -> tuple[int, ...]:
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    return () if found is None else tuple(int(part) for part in found[0].split("."))


def problems(expected: str, outbox_format: int, words: Sequence[str]) -> list[str]:
    """Return a sentence for everything that keeps this release from running here."""
    found = []
    if (own := version("aldea")) != expected:
        found.append(f"it calls itself {own}, not {expected}")
    if outbox_format != OUTBOX_FORMAT:
        found.append(f"it writes the outbox in format {OUTBOX_FORMAT}, not {outbox_format} as was signed")
    mine = [item for item in distributions(path=sys.path[:]) if str(item.locate_file("")).startswith(sys.prefix)]
    for package in (distribution("aldea"), *mine):
        found += unmet(package)
    return list(dict.fromkeys(found)) or _settings(words)


def _settings(words: Sequence[str]) -> list[str]:
    from aldea.agents.commands import load_agent_settings  # noqa: PLC0415 - only once what it needs is there

    config = next((words[place + 1] for place, word in enumerate(words[:-1]) if word == "--config"), None)
    try:
        load_agent_settings(None if config is None else Path(config), os.environ)
    except SettingsError as error:
        return error.errors
    return []


def main() -> int:
    """Print every problem; return 0 when there is none."""
    try:
        found = problems(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
    except Exception as error:  # noqa: BLE001 - whatever it is, it keeps this release from running
        found = [f"{type(error).__name__}: {error}"]
    print("; ".join(found), file=sys.stderr)  # noqa: T201 - read by the version before
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
