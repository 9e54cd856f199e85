"""The form by which a role is given: its fields, and what can be wrong with them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.web.account_routes import end_error
from aldea.storage.importing.scopes import Scopes
from aldea.storage.register.people import ADMIN, ROLE_NAMES


class GrantForm(BaseModel):
    """The form by which a role is given."""

    role: str = Field("", max_length=40)
    programme: str = Field("", max_length=300)
    region: str = Field("", max_length=300)
    ends: str = Field("", max_length=40)


def grant_errors(typed: dict[str, str]) -> dict[str, str]:
    """Return what is wrong with a role as typed, by field."""
    if typed["role"] not in ROLE_NAMES:
        return {"role": N_("Choose one of the roles in the list.")}
    if typed["role"] == ADMIN and (typed["programme"] or typed["region"]):
        return {"role": N_("An administrator is one of everything: leave programme and region empty.")}
    if max(len(typed["programme"]), len(typed["region"])) > 80:
        return {"programme": N_("Programme and region have 80 characters at most.")}
    return {}


def scope_errors(typed: dict[str, str], known: Scopes) -> dict[str, str]:
    """Return what is wrong with a limit: a right in a place that there is not would allow nothing."""
    errors: dict[str, str] = {}
    if typed["programme"] and typed["programme"] not in known.programmes:
        errors["programme"] = N_("There is no such programme: choose one of the list, or add it first.")
    if typed["region"] and typed["region"] not in known.regions:
        errors["region"] = N_("That is no federal state: choose one of the list.")
    return errors


def end_errors(ends: str, expires: int | None, now: int) -> dict[str, str]:
    """Return what is wrong with a last day as typed."""
    wrong = end_error(ends, expires, now)
    return {} if wrong is None else {"ends": wrong}
