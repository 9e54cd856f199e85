"""Why something was refused, in the reader's language: sentences that begin deeper down, where nobody is read to.

Each is written here as it is said there, with a name for what differs; one that is not here stays as it is. What is
wrong with settings is said in both languages where it is found (`Said`), at the box as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.web.shown import Shown
from aldea.model.said import Said

SENTENCES = (
    N_("Site %(site)s has no device %(device)s: enrol it first."),
    N_("Site %(site)s is simulated: there is no box to command."),
    N_("Device %(device)s of site %(site)s is retired: it takes no commands."),
    N_("%(count)s commands wait for %(device)s already: cancel some first."),
    N_("The command can't be cancelled any more: it is over."),
    N_("The command can't be cancelled any more: the device has it already and carries it out."),
    N_("There is no command %(command)s of this device."),
    N_("Kind is %(kind)s: use test or diagnostics."),
    N_("kind is %(kind)s: use test or diagnostics."),
    N_("probe is %(probe)s: use one of %(probes)s."),
    N_("Your role may cancel tests and diagnostics: ask an operator about the others."),
    N_("The command has %(size)s bytes, a device takes %(most)s: send less at once."),
    N_("A profile holds for sites everywhere: ask somebody who may manage all sites."),
    N_("Profile %(profile)s is already there: choose another id."),
    N_("Profile %(profile)s was changed meanwhile: it is at revision %(revision)s; look at it again."),
    N_("Profile %(profile)s has %(count)s sites: give them another one first."),
    N_("There is no profile %(profile)s here."),
    N_("There is no profile %(profile)s: see `aldea profile list`."),
    N_("There is no site %(site)s here that you may manage."),
    N_("Site %(site)s is not registered: add it first (`aldea site add`)."),
    N_("Site %(site)s is simulated: it has no box to set."),
    N_("Site %(site)s is simulated: a real device can't be enrolled there."),
    N_("Site %(site)s is closed: open it again before a device is enrolled."),
    N_("Device %(device)s must be 1 to 39 of a-z, 0-9 and -, not starting with -."),
    N_("A code lives from a moment to %(most)s hours, not %(hours)s."),
    N_("This server does not know yet how its broker is reached: run `aldea broker config`."),
    N_("There is no such file: its release was not added to this server."),
    N_("Ask for ranges of at most %(most)s bytes (Range: bytes=0-65535)."),
    N_("The file has %(size)s bytes: ask for a range within them."),
    N_("Other tests are running: try again in half a minute."),
    N_("The body is too large: send at most %(most)s bytes."),
    N_("The body took longer than %(seconds)s s: send less."),
    N_("%(device)s is no device of this profile here."),
    N_("Where boxes send to (%(keys)s) is for administrators to change: leave it as it is."),
    N_("These boxes would send elsewhere, which is for administrators to decide: %(boxes)s."),
    N_("These boxes would send elsewhere: %(boxes)s. Confirm that it is meant, and send again."),
    N_("The settings of %(device)s were changed meanwhile: they are at revision %(revision)s; look at them again."),
    N_("The settings of %(device)s were changed meanwhile: look at what would be sent, and send again."),
    N_("The settings were changed meanwhile: look at what would be sent, and send again."),
    N_("The settings have %(size)s bytes, a device takes %(most)s: leave something out."),
    N_("Id must be 1 to 39 of a-z, 0-9 and -, not starting with -."),
    N_("Name must be 1 to 120 characters of text."),
    N_("That revision is not kept any more."),
)


def _pattern(sentence: str) -> re.Pattern[str]:
    named = re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+?)", re.escape(sentence).replace("%", r"%"))
    return re.compile(named, re.DOTALL)


_PATTERNS: Mapping[str, re.Pattern[str]] = {sentence: _pattern(sentence) for sentence in SENTENCES}


def refusal(text: str, shown: Shown) -> str:
    """Return a sentence that says why something was refused in the reader's language, where that is known."""
    if isinstance(text, Said):
        return text.es if shown.code == "es" else text
    for sentence, pattern in _PATTERNS.items():
        found = pattern.fullmatch(text)
        if found is not None:
            return shown.say(sentence) % found.groupdict()
    return text


def refused(problem: Problem, shown: Shown) -> str:
    """Return why a request was refused, every sentence of it."""
    if not problem.faults:
        return refusal(problem.detail, shown)
    return " ".join(refusal(fault.detail, shown) for fault in problem.faults)
