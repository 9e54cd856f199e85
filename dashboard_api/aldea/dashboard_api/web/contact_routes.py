"""The addresses of contact points and of the log of notifications."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from aldea.alert_rules.notify.channels import CHANNELS, shown
from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.contact_view import OPEN, reachable_contact, send_test
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.problems import Fault, bad_request
from aldea.dashboard_api.web.contact_form import ContactForm, form_of, read_form
from aldea.dashboard_api.web.contact_page import contacts_page, form_page, log_page, outcome
from aldea.storage.register.audit import audit
from aldea.storage.register.contacts import add_contact, remove_contact, update_contact
from aldea.storage.register.notifications import NotificationState

router = APIRouter(include_in_schema=False)

LIST = "/admin/contacts"


@router.get(LIST)
def contacts(aldea: Aldea, request: Request, visitor: SignedIn) -> Response:
    """Show people and where they can be reached."""
    return aldea.pages.render(request, "contacts.html", **contacts_page(aldea, request, visitor))


@router.get("/admin/contacts/new")
def new_contact(aldea: Aldea, request: Request, visitor: SignedIn, person: str = "", kind: str = "email") -> Response:
    """Show the form of a new contact point."""
    _known_kind(kind)
    form = ContactForm(person=person, kind=kind, language=aldea.pages.language(request).code, enabled="1")
    return aldea.pages.render(
        request, "contact_form.html", **form_page(aldea, request, visitor, form, {}, contact=None)
    )


@router.post(LIST)
def add(aldea: Aldea, request: Request, visitor: SignedIn, form: Annotated[ContactForm, Form()]) -> Response:
    """Store a new contact point."""
    _known_kind(form.kind)
    now = aldea.clock.wall_ms()
    # Who is out of reach is refused here, before anything is said about the fields.
    values = form_page(aldea, request, visitor, form, {}, contact=None)
    filled = read_form(form, now)
    if filled.point is None:
        values = form_page(aldea, request, visitor, form, filled.errors, contact=None)
        return aldea.pages.render(request, "contact_form.html", 400, **values)
    with aldea.register.transaction() as unit:
        number = add_contact(unit, filled.point)
        detail = {"kind": form.kind, "shown": shown(form.kind, filled.point.fields)}
        audit(unit, visitor.person, "contact_added", values["person"].person, detail, now)
    return _back(
        aldea, request, N_("The contact point is stored. Send a test message to be sure that it works."), number
    )


@router.get("/admin/contacts/{contact}")
def one_contact(aldea: Aldea, request: Request, visitor: SignedIn, contact: int) -> Response:
    """Show the form of a contact point, without its secrets."""
    with aldea.register.reading() as unit:
        point = reachable_contact(unit, visitor, contact, aldea.clock.wall_ms())
    values = form_page(aldea, request, visitor, form_of(point), {}, contact)
    return aldea.pages.render(request, "contact_form.html", **values)


@router.post("/admin/contacts/{contact}")
def change(
    aldea: Aldea, request: Request, visitor: SignedIn, contact: int, form: Annotated[ContactForm, Form()]
) -> Response:
    """Replace a contact point's values; the channel stays."""
    now = aldea.clock.wall_ms()
    with aldea.register.transaction() as unit:
        before = reachable_contact(unit, visitor, contact, now)
        form.person, form.kind = before.person, before.kind
        filled = read_form(form, now, before)
        if filled.point is not None:
            update_contact(unit, filled.point)
            detail = {"kind": form.kind, "shown": shown(form.kind, filled.point.fields)}
            audit(unit, visitor.person, "contact_changed", before.person, detail, now)
    if filled.point is None:
        values = form_page(aldea, request, visitor, form, filled.errors, contact)
        return aldea.pages.render(request, "contact_form.html", 400, **values)
    return _back(aldea, request, N_("The contact point is changed."), contact)


@router.post("/admin/contacts/{contact}/remove")
def remove(aldea: Aldea, request: Request, visitor: SignedIn, contact: int) -> Response:
    """Remove a contact point."""
    now = aldea.clock.wall_ms()
    with aldea.register.transaction() as unit:
        before = reachable_contact(unit, visitor, contact, now)
        remove_contact(unit, contact, now)
        audit(unit, visitor.person, "contact_removed", before.person, {"kind": before.kind}, now)
    return _back(aldea, request, N_("The contact point is removed."))


@router.post("/admin/contacts/{contact}/test")
def test(aldea: Aldea, request: Request, visitor: SignedIn, contact: int) -> Response:
    """Send a test message and say what became of it."""
    found = send_test(aldea, visitor, contact)
    said = aldea.pages.shown(request, aldea.clock.wall_ms())
    if found.state is NotificationState.SENT:
        sentence = said.say(N_("The service has taken the test message. It should arrive in a moment."))
    elif found.state in OPEN:
        sentence = said.say(N_("The test message waits to be sent. Load this page again in a moment."))
    else:
        sentence = said.say(N_("Test message:")) + " " + outcome(found, said)
    answer = RedirectResponse(f"{LIST}#contact-{contact}", 303)
    flash(answer, sentence)
    return answer


@router.get("/admin/notifications")
def notifications(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    state: str = "",
    person: Annotated[str, Query(max_length=39)] = "",
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """Show what was sent, waits or failed."""
    if state and state not in tuple(NotificationState):
        raise bad_request([Fault("state", f"state is {state[:40]!r}: use {', '.join(NotificationState)}.")])
    values = log_page(aldea, request, visitor, state, person.strip(), before)
    return aldea.pages.render(request, "notifications.html", **values)


def _known_kind(kind: str) -> None:
    if kind not in CHANNELS:
        raise bad_request([Fault("kind", f"kind is {kind[:40]!r}: use {', '.join(CHANNELS)}.")])


def _back(aldea: Aldea, request: Request, sentence: str, contact: int | None = None) -> Response:
    answer = RedirectResponse(LIST if contact is None else f"{LIST}#contact-{contact}", 303)
    flash(answer, aldea.pages.shown(request, aldea.clock.wall_ms()).say(sentence))
    return answer
