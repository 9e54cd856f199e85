"""The page of a form: what it shows empty, after more rows were asked for, and when something is wrong."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from aldea.dashboard_api.access.csrf import FORM_FIELDS
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.record_intake import Intake, programme_choices, writable_site
from aldea.dashboard_api.web.record_words import form_texts, programme_name
from aldea.model.forms import Definition, Fault, Group, from_flat, laid_out, pasted_rows, sentence
from aldea.storage.register.programmes import list_programmes
from aldea.storage.register.register import Unit

ROWS_MORE = 5


@dataclass(frozen=True, slots=True)
class Sent:
    """What a browser sent: its inputs in order."""

    pairs: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """Return the input called `name`, '' where there is none."""
        return next((value for key, value in self.pairs if key == name), "")


async def sent_by(request: Request) -> Sent:
    """Read the whole form: its rows make more inputs than an endpoint could name."""
    form = await request.form(max_fields=FORM_FIELDS)
    return Sent(tuple((key, value) for key, value in form.multi_items() if isinstance(value, str)))


SentForm = Annotated[Sent, Depends(sent_by)]


def new_token() -> str:
    """Return what tells one filled-in form from another, so that sending it twice stores it once."""
    return secrets.token_urlsafe(18)


def typed_of(definition: Definition, sent: Sent) -> dict[str, Any]:
    """Return what was typed, with the lines that were pasted into a group put behind its rows."""
    typed = from_flat(definition, sent.pairs)
    for group in definition.groups:
        rows = [row for row in typed.get(group.name, []) if any(str(value).strip() for value in row.values())]
        pasted = pasted_rows(group, sent.get(f"{group.name}.paste"))
        if pasted:
            typed[group.name] = rows + pasted
    return typed


def form_values(
    aldea: Context,
    request: Request,
    unit: Unit,
    visitor: Visitor,
    intake: Intake,
    faults: Sequence[Fault] = (),
    *,
    more_rows: int | None = None,
    refusal: str = "",
) -> dict[str, Any]:
    """Return what the form's page shows: what was typed, and at each field what is wrong with it."""
    language = aldea.pages.language(request).code
    now = aldea.clock.wall_ms()
    site = writable_site(unit, visitor, intake.site, now)
    parts = laid_out(intake.definition, intake.typed, faults, language, more_rows=more_rows)
    errors: dict[str, str] = {"": refusal} if refusal else {}
    errors |= {_anchor(fault.path, parts): sentence(fault, language) for fault in faults}
    names = {item.id: programme_name(item, language) for item in list_programmes(unit)}
    choices = programme_choices(unit, visitor, site, now)
    return {
        "form": form_texts(intake.definition, language),
        "parts": parts,
        "errors": errors,
        "site": site,
        "intake": intake,
        "programmes": [(name, names.get(name, name)) for name in choices],
        "is_group": lambda part: isinstance(part, Group),
    }


def _anchor(path: str, parts: Sequence[Any]) -> str:
    known = {part.name for part in parts} | {
        cell.name for part in parts if isinstance(part, Group) for row in part.rows for cell in row
    }
    return path if path in known else f"?{path}"


def first_values(definition: Definition, today: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return what an empty form holds: today's date, and what the address says of its fields."""
    typed: dict[str, Any] = {
        field.name: query[field.name] for field in definition.fields if field.name in query and not field.fields
    }
    if definition.field("event_date") is not None:
        typed.setdefault("event_date", today)
    return typed
