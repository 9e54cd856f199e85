"""What may be told to an agent from afar: which settings, and whether they can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from aldea.agents.settings import AgentSettings
from aldea.model.describing import Setting, SettingsGuide, described, paths_in
from aldea.model.overlays import Document, is_too_deep, leaves, merged
from aldea.model.said import Said
from aldea.model.settings import SettingsError, load_settings

_WHO = Said("who a device is comes from its enrolment", "quién es un equipo lo dice su inscripción")
_ACCESS = Said("its access comes from its enrolment", "su acceso viene de su inscripción")
_NO_REST = Said("a box that never rests is of no use", "un equipo que nunca descansa no sirve")
_SATELLITE = Said("by satellite it takes as long to be heard", "por satélite hace falta ese tiempo")

NEVER = {
    "site": _WHO,
    "device": _WHO,
    "data": Said("where it keeps its data is decided at the machine", "dónde guarda sus datos se decide en la máquina"),
    "broker.username": _ACCESS,
    "broker.password_file": _ACCESS,
    "upgrade.key_file": Said(
        "who may sign releases is decided at the machine", "quién puede firmar versiones se decide en la máquina"
    ),
}
"""Settings that never come from afar, and why."""

LEAST: Mapping[str, tuple[float, Said]] = {
    "sample_seconds": (1, _NO_REST),
    "send_seconds": (1, _NO_REST),
    "trial_seconds": (60, _SATELLITE),
}
"""What may be less at the machine, where somebody can put it right again."""

ANYWHERE = frozenset({"clients.sources.file"})
"""Files that may lie outside the data folder: their lines are counted, and nothing of them leaves the machine."""

_FILES = frozenset(paths_in(AgentSettings)) - ANYWHERE - NEVER.keys()
TOO_DEEP = Said(
    "the settings have tables within tables that no agent knows",
    "los ajustes tienen tablas dentro de tablas que ningún agente conoce",
)
_ANY_SITE = {"site": "any"}


def check_agent_settings(document: Document) -> list[str]:
    """Return what is wrong with a document of settings from afar, a sentence each; nothing for one that can be.

    It is looked at by itself, over the defaults: a machine's own file may still disagree with it.
    """
    wrong = refusals(document)
    if wrong == [TOO_DEEP]:
        return wrong
    allowed = {key: value for key, value in document.items() if key not in NEVER}
    try:
        load_settings(AgentSettings, merged(_ANY_SITE, allowed), {}, "")
    except SettingsError as error:
        wrong += [sentence for sentence in error.errors if not any(sentence.startswith(f"{key} ") for key in NEVER)]
    return wrong


def agent_guide() -> SettingsGuide:
    """Return what can be told to agents from afar, for a page that draws a form of it."""
    offered = [_from_afar(item) for item in described(AgentSettings) if item.key not in NEVER]
    return SettingsGuide(offered, check_agent_settings)


def _from_afar(item: Setting) -> Setting:
    """Return a setting with the limit that it has from afar."""
    return replace(item, minimum=LEAST[item.key][0]) if item.key in LEAST else item


def refusals(document: Document) -> list[str]:
    """Return a sentence for each setting that may not come from afar."""
    if is_too_deep(document):
        return [TOO_DEEP]
    never = [
        Said(f"{key} cannot be set from afar: {why}", f"{key} no se puede ajustar a distancia: {why.es}")
        for key, why in ((key, NEVER.get(key)) for key, _ in leaves(document))
        if why is not None
    ]
    files = [
        Said(
            f"{key} is {value!r}; expects a file in the device's own data folder, such as authority.pem",
            f"{key} es {value!r}; se espera un archivo en la carpeta de datos del propio equipo, como authority.pem",
        )
        for key, value in _files(document)
        if not _is_inside(value)
    ]
    return [*never, *files, *_out_of_range(document)]


def placed(document: Document, folder: Path) -> dict[str, Any]:
    """Return a document with its files where they are: in the data folder. For one that `refusals` lets pass."""
    return _placed(document, folder, "")


def _out_of_range(document: Document) -> list[Said]:
    said = dict(leaves(document))
    return [
        Said(
            f"{key} is {value}; expects at least {least:g} from afar: {why}",
            f"{key} es {value}; se espera al menos {least:g} a distancia: {why.es}",
        )
        for key, (least, why) in LEAST.items()
        if isinstance(value := said.get(key), int | float) and value < least
    ]


def _placed(table: Document, folder: Path, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in table.items():
        key = f"{path}.{name}" if path else str(name)
        if isinstance(value, Mapping):
            found[name] = _placed(value, folder, key)
        elif isinstance(value, list):
            found[name] = [_placed(item, folder, key) if isinstance(item, Mapping) else item for item in value]
        else:
            found[name] = str(folder / value) if key in _FILES and isinstance(value, str) else value
    return found


def _files(table: Document, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        key = f"{path}.{name}" if path else str(name)
        if key in _FILES and value is not None:
            yield key, value
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                yield from _files(item, key)


def _is_inside(value: object) -> bool:
    if not isinstance(value, str) or not value or value.startswith("~"):
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts
