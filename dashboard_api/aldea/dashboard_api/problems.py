"""Errors as RFC 9457 problem documents: what is wrong, where, and how to mend it. Never a trace."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from aldea.model.said import Said, in_language, joined
from aldea.model.series import StoreUnavailable
from aldea.storage.register import RegisterError, RegisterUnavailableError
from aldea.storage.register.encoding import clean_text
from aldea.storage.register.errors import RegisterValueError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
PROGRAMS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Addresses that only programs ask, beside those under `/api/`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request: which parameter, and a sentence that says how to mend it."""

    parameter: str
    detail: str


class Problem(Exception):
    """Raised by an endpoint to answer with a problem document."""

    def __init__(self, status: int, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = tuple(faults)


def bad_request(faults: Sequence[Fault]) -> Problem:
    """Return the problem for parameters that cannot be: its detail is all the sentences."""
    return Problem(HTTPStatus.BAD_REQUEST, joined((fault.detail for fault in faults), " "), faults)


def sentence(error: Exception) -> str:
    """Return an error's words as a sentence."""
    said = error.args[0] if error.args else ""
    if isinstance(said, Said):
        return Said(_as_sentence(said), _as_sentence(said.es))
    return _as_sentence(str(error))


def stated(error: RegisterError, before: str = "") -> Said:
    """Return the words of the register's error as they are, behind those `before` them, with a full stop."""
    return joined((before, *error.args, "."), "")


def _as_sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def document(status: int, detail: str, faults: Sequence[Fault] = ()) -> dict[str, Any]:
    """Return the members of a problem document. What was asked may be named in it, and may be no whole text."""
    found: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": clean_text(detail),
    }
    if faults:
        found["errors"] = [
            {"parameter": clean_text(fault.parameter), "detail": clean_text(fault.detail)} for fault in faults
        ]
    return found


def problem_response(
    status: int, detail: str, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return a problem document as a response."""
    return JSONResponse(document(status, detail, faults), status, dict(headers or {}), MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of the app leave as a problem document, or as a page where a page was asked for."""

    def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return answer(request, error.status, error.detail, error.faults)

    def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = [_fault(request, item) for item in error.errors()]
        return answer(request, 400, " ".join(fault.detail for fault in faults), faults)

    def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(request, error.status_code, _http_detail(request, error), (), error.headers)

    def on_unavailable(request: Request, error: Exception) -> Response:
        log.warning("%s %s: %s", request.method, request.url.path, error)
        return unavailable(request)

    def on_value(request: Request, error: Exception) -> Response:
        return answer(request, 400, sentence(error))

    def on_crash(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        detail = "Something went wrong on the server; it has been logged. Try again, or tell the operator when."
        return answer(request, 500, detail, ())

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RegisterUnavailableError, on_unavailable)
    app.add_exception_handler(RegisterValueError, on_value)
    app.add_exception_handler(StoreUnavailable, on_unavailable)
    app.add_exception_handler(Exception, on_crash)


def answer(
    request: Request,
    status: int,
    detail: str,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error as a page where a browser asked for one, else as a problem document.

    Its words are in the language that the request asks for, where they are said in it; English where it names none.
    """
    if wants_page(request):
        page: Response = request.app.state.context.pages.error(request, status, detail)
        page.headers.update(headers or {})
        return page
    if request.headers.get("accept-language"):
        code = request.app.state.context.pages.language(request).code
        faults = [Fault(fault.parameter, in_language(fault.detail, code)) for fault in faults]
        detail = in_language(detail, code)
    return problem_response(status, detail, faults, {**(headers or {}), "Vary": "Accept-Language, Cookie"})


def unavailable(request: Request) -> Response:
    """Return the answer while a store is away."""
    detail = "A store does not answer just now; nothing is lost, try again in a moment."
    return answer(request, 503, detail, (), {"Retry-After": "5"})


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks, not a program."""
    if request.url.path.startswith("/api/") or request.url.path in PROGRAMS:
        return False
    return "text/html" in request.headers.get("accept", "")


def _http_detail(request: Request, error: HTTPException) -> str:
    path = request.url.path[:200]
    if error.status_code == HTTPStatus.NOT_FOUND:
        return f"There is nothing at {path}; the list of what there is: /api/v1/openapi.json"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "GET")
        return f"{path} does not take {request.method}: use {allowed}"
    return str(error.detail)


def _fault(request: Request, item: Mapping[str, Any]) -> Fault:
    """Turn one of the validator's findings into a sentence about one parameter."""
    parameter = str(item["loc"][-1])[:60]
    given = str(item.get("input"))[:60]
    if item["loc"][0] == "body":
        return _body_fault(item, parameter, given)
    if item["type"] == "extra_forbidden":
        return Fault(parameter, _unknown_parameter(request, parameter))
    if item["type"] == "missing":
        return Fault(parameter, f"{parameter} is missing: add {parameter}=… to the address.")
    expected = str(item["msg"]).removeprefix("Input ")
    return Fault(parameter, f"{parameter} is {given!r}, but it {expected}.")


def _body_fault(item: Mapping[str, Any], parameter: str, given: str) -> Fault:
    if item["type"] == "json_invalid":
        return Fault("body", "The body is not JSON: send an object such as the example in /api/v1/openapi.json.")
    if item["type"] == "missing":
        return Fault(parameter, f"{parameter} is missing: put it into the body.")
    if item["type"] == "extra_forbidden":
        return Fault(parameter, f"{parameter} is not a member of this body: leave it out, or look for a slip.")
    expected = str(item["msg"]).removeprefix("Input ")
    return Fault(parameter, f"{parameter} is {given!r}, but it {expected[:1].lower()}{expected[1:]}.")


def _unknown_parameter(request: Request, parameter: str) -> str:
    known = _known_parameters(request)
    close = difflib.get_close_matches(parameter, known, 1)
    if close:
        return f"{parameter} is not a parameter here: did you mean {close[0]}?"
    listed = ", ".join(known)
    return f"{parameter} is not a parameter here: " + (f"use {listed}." if listed else "leave it out.")


def _known_parameters(request: Request) -> list[str]:
    # The document names what each path takes, whatever shape the endpoint declares it in.
    path = getattr(request.scope.get("route"), "path", "")
    operation = request.app.openapi()["paths"].get(path, {}).get(request.method.lower(), {})
    return [item["name"] for item in operation.get("parameters", ()) if item["in"] == "query"]
