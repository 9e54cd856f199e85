"""Puts notifications into one message: alone as they are, or several joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aldea.alert_rules.notify.messages import Message, Writer
from aldea.alert_rules.notify.occasion import Transition, occasion_of
from aldea.alert_rules.notify.sending import Parcel
from aldea.storage.register.contacts import ContactPoint
from aldea.storage.register.notifications import Notification


def retold(end: Notification, writer: Writer) -> Message | None:
    """Return the text of a "resolved" that also says its "fired"; None where the end says it all by itself."""
    if end.kind != Transition.RESOLVED.value:
        return None
    return writer.render(replace(occasion_of(end.document), transition=Transition.WAS_DOWN), end.language)


def pack(
    items: Sequence[Notification],
    texts: Mapping[int, Message],
    point: ContactPoint,
    message: str,
    writer: Writer,
) -> Parcel:
    """Return the message that carries `items`; `texts` replace what the outbox holds for an id."""
    first = items[0]
    told = [texts.get(item.id, Message(item.subject, item.body, item.short)) for item in items]
    text = told[0]
    if len(items) > 1:
        parts = [(occasion_of(item.document), one.short) for item, one in zip(items, told, strict=True)]
        text = writer.digest(parts, point.language or first.language)
    return Parcel(
        contact=point,
        ids=tuple(item.id for item in items),
        key=first.key,
        message=message,
        subject=text.subject,
        body=text.body,
        short=text.short,
        attempts=max(item.attempts for item in items),
        document=first.document,
        is_test=first.kind == Transition.TEST.value,
    )
