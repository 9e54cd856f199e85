"""Where the agent's settings come from, in order: defaults, enrolment, `aldea.toml`, from afar, environment."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aldea.agents.enrolment import with_enrolment
from aldea.agents.overlay.checking import placed, refusals
from aldea.agents.settings import AgentSettings, agent_settings
from aldea.model.describing import described
from aldea.model.overlays import Document, changed_keys, leaves, merged
from aldea.model.said import Said
from aldea.model.settings import SettingsError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """The machine's own settings: its file (None: `aldea.toml` here, where there is one) and its environment."""

    config: Path | None
    environ: Mapping[str, str]

    def settings(self, overlay: Document | None = None) -> AgentSettings:
        """Return the settings with `overlay` over the machine's own. Raises SettingsError with every mistake."""
        document = with_enrolment(self._file(), self.environ)
        own = agent_settings(document, self.environ)
        if not overlay:
            return own
        if wrong := refusals(overlay):
            raise SettingsError(wrong)
        table = document.get("agent", {})
        assert isinstance(table, Mapping)
        over = merged(table, placed(overlay, own.data))
        return agent_settings({**document, "agent": over}, self.environ)

    def overruled(self, overlay: Document) -> list[str]:
        """Return a sentence for each setting of `overlay` that a variable of the environment wins over."""
        variables = {item.key: item.env for item in described(AgentSettings) if item.env}
        return [
            Said(
                f"{key}: {variables[key]} in the machine's environment wins",
                f"{key}: gana {variables[key]}, del entorno de la máquina",
            )
            for key, value in leaves(overlay)
            if value is not None and key in variables and self.environ.get(variables[key])
        ]

    def _file(self) -> dict[str, object]:
        path = self.config or Path("aldea.toml")
        if self.config is None and not path.is_file():
            return {}
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            why = error.strerror
            raise SettingsError([Said(f"{path} cannot be read: {why}", f"{path} no se puede leer: {why}")]) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError([Said(f"{path} is not TOML: {error}", f"{path} no es TOML: {error}")]) from error


def differing(before: AgentSettings, after: AgentSettings) -> list[str]:
    """Return the dotted keys in which two settings differ."""
    return changed_keys(_plain(before), _plain(after))


def _plain(settings: AgentSettings) -> Mapping[str, Any]:
    return asdict(settings)
