"""What every page carries of its visitor: who it is, what they may, the signature of forms, and a last sentence."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from markupsafe import Markup

from aldea.dashboard_api.access import cookies, csrf, flash
from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.visitor import visitor_of


class Carried:
    """Gives a template these values, and leaves on the response what has come of their use."""

    def __init__(self, request: Request, *, fragment: bool) -> None:
        self._request = request
        self._visitor = visitor_of(request)
        self._signature = csrf.signature(request)
        self._seed: str | None = None
        # A part of a page that a script fetches has no place for the sentence.
        self._flash = "" if fragment else flash.flashed(request)

    def values(self) -> dict[str, Any]:
        """Return the values by the names that templates use."""
        return {
            "visitor": self._visitor,
            "demo_admin": self._visitor.demo,
            "may": lambda name: self._visitor.may(Permission(name)),
            "csrf_token": self._token,
            "csrf_field": self._field,
            "flash": self._flash,
        }

    def leave(self, response: Response) -> None:
        """Set the seed if a form was signed by a new one, and forget the sentence that was shown."""
        if self._seed is not None:
            cookies.set_seed(self._request, response, self._seed)
        if self._flash:
            flash.forget(response)

    def _token(self) -> str:
        if self._signature is None:
            self._seed = cookies.new_seed()
            self._signature = csrf.signature_of_seed(self._seed)
        return self._signature

    def _field(self) -> Markup:
        return Markup('<input type="hidden" name="{}" value="{}">').format(csrf.FIELD, self._token())
