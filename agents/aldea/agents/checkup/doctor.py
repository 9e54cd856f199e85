"""`aldea agent doctor`: the same checks as on the box's page, for a person at a terminal; beside an agent that runs."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from gettext import gettext as _
from pathlib import Path

from aldea.agents.checkup.broker import look_at_enrolment
from aldea.agents.checkup.checks import judge
from aldea.agents.checkup.collecting import Checkup
from aldea.agents.checkup.findings import Finding, State, first_wrong
from aldea.agents.checkup.own_page import PageState, ask_page, page_words
from aldea.agents.commands import load_agent_settings
from aldea.agents.lock import AlreadyRunning, FolderLock
from aldea.agents.page.words import N_, Words, language_of_environment, say, translate
from aldea.agents.probe import ProbeContext
from aldea.agents.settings import AgentSettings
from aldea.model.clock import Clock, SystemClock
from aldea.model.settings import SettingsError

_NOT_ENROLLED = "not-enrolled"
"""In place of a site's id, while there is none."""

_STATES: Mapping[State, str] = {
    State.OK: N_("ok"),
    State.WRONG: N_("WRONG"),
    State.UNKNOWN: N_("not known"),
    State.NOT_REACHED: N_("not reached"),
    State.RUNNING: N_("not known"),
}


def add_doctor_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `doctor`, besides those of every command."""
    parser.add_argument("--json", action="store_true", help=_("one JSON document"))


def settings_to_check(config: Path | None, environ: Mapping[str, str]) -> tuple[AgentSettings, bool]:
    """Return the settings, and whether they name a site: before a box is enrolled there is something to check too.

    Raises SettingsError with every other mistake.
    """
    try:
        return load_agent_settings(config, environ), True
    except SettingsError as error:
        if not any(sentence.startswith("agent.site is missing") for sentence in error.errors):
            raise
        with suppress(SettingsError):
            return load_agent_settings(config, {**environ, "ALDEA_SITE": _NOT_ENROLLED}), False
        raise


def run_doctor(settings: AgentSettings, environ: Mapping[str, str], *, as_json: bool, is_enrolled: bool = True) -> int:
    """Check everything and print it; return the exit code: 0 nothing is wrong, 1 something is.

    `is_enrolled` False: the settings name no site and no server yet.
    """
    language = language_of_environment(environ)
    findings = examine(settings, is_enrolled=is_enrolled)
    whose = _whose(settings) if is_enrolled else "-"
    state = ask_page(settings.page)
    if as_json:
        lines: Iterable[str] = [_document(findings, language, state)]
    else:
        lines = [*_report(settings, whose, findings, language), page_words(settings.page, state).in_(language)]
    for line in lines:
        print(line)  # noqa: T201 - for the person who asked
    return 0 if first_wrong(findings) is None else 1


def examine(settings: AgentSettings, clock: Clock | None = None, *, is_enrolled: bool = True) -> tuple[Finding, ...]:
    """Check everything now; takes up to half a minute. An agent that runs on the folder is left alone."""
    context = ProbeContext(clock or SystemClock(), settings.data)
    return judge(asyncio.run(Checkup(settings, context, is_enrolled=is_enrolled).run()))


def _whose(settings: AgentSettings) -> str:
    return look_at_enrolment(settings).sentence or settings.site


def _report(settings: AgentSettings, whose: str, findings: Sequence[Finding], language: str) -> Iterator[str]:
    yield f"{whose}: {_agent(settings).in_(language)}"
    first = first_wrong(findings)
    width = max(len(translate(language, word, {})) for word in _STATES.values())
    for number, item in enumerate(findings, 1):
        state = translate(language, _STATES[item.state], {})
        here = say("check this first").in_(language)
        mark = f"  <- {here}" if item is first else ""
        yield f"{number:2}. {state:{width}} {item.title.in_(language)}: {item.what.in_(language)}{mark}"
        for step in item.do:
            yield f"    {'':{width}} - {step.in_(language)}"
        if item.bring is not None:
            bring = say("Bring: %(things)s", things=item.bring)
            yield f"    {'':{width}}   {bring.in_(language)}"


def _agent(settings: AgentSettings) -> Words:
    """Say whether an agent runs on the folder."""
    try:
        FolderLock(settings.data).release()
    except AlreadyRunning:
        return say("an agent is running on %(folder)s", folder=settings.data)
    except OSError:
        pass  # that the folder can't be used is a finding of its own
    return say("no agent is running on %(folder)s", folder=settings.data)


def _document(findings: Sequence[Finding], language: str, page: PageState) -> str:
    first = first_wrong(findings)
    listed = [
        {
            "key": item.key,
            "title": item.title.in_(language),
            "state": item.state.value,
            "what": item.what.in_(language),
            "do": [step.in_(language) for step in item.do],
            "bring": None if item.bring is None else item.bring.in_(language),
        }
        for item in findings
    ]
    document = {"check_first": None if first is None else first.key, "findings": listed, "page": page.value}
    return json.dumps(document, ensure_ascii=False, indent=2)
