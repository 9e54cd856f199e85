"""What the API says of commands to devices."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from aldea.dashboard_api.schemas import Document, Parameters


class CommandsQuery(Parameters):
    """Where in a device's list of commands, and how much of it."""

    after: str | None = Field(None, max_length=64, description="The cursor: `next` of the page before.")
    limit: int = Field(50, ge=1, le=500, description="How many items at most.")


class NewCommand(Parameters):
    """What is asked of a device."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "test", "probe": "ping"}, {"kind": "diagnostics"}]}
    )

    kind: str = Field(max_length=40, description="`test` or `diagnostics`.")
    probe: str | None = Field(None, max_length=40, description="Of a test: which probe, such as `throughput`.")
    hours: float | None = Field(None, description="How long it may wait: by default a day, diagnostics a week.")
    id: str | None = Field(
        None, min_length=8, max_length=64, description="Your own id; the same one again asks for nothing new."
    )


class CommandDocument(Document):
    """A command, and what became of it."""

    id: str
    site: str
    device: str
    kind: str
    payload: dict[str, Any]
    state: str = Field(
        description="`waiting`, `sent`, `accepted`, `running`; at its end `done`, `failed`, `rolled_back`, `expired` "
        "or `cancelled`."
    )
    author: str | None
    created: str
    expires: str
    sent: str | None = Field(description="When it was sent last; it is sent again until it is answered.")
    attempts: int
    answered: str | None
    answer: dict[str, Any]


class CommandListDocument(Document):
    """A device's commands, the newest first."""

    items: list[CommandDocument]
    next: str | None
