"""What `aldea user` takes from a person: passwords, days, limits; and what is said where they cannot be."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from aldea.deploy.cli.asking import asked_secret
from aldea.deploy.cli.main import CommandError
from aldea.deploy.cli.page_words import as_on_pages
from aldea.deploy.words import said
from aldea.storage.importing.scopes import closest, known_scopes
from aldea.storage.register.passwords import weakness

if TYPE_CHECKING:
    from aldea.storage.register import Unit


def typed_password(account: str, label: str, language: str) -> str:
    """Return the password that is typed twice, or piped in. Raises CommandError when it may not be used."""
    text = asked_secret(said("Password: "), language, unequal=said("the two passwords differ: start again"))
    wrong = weakness(text, account, label)
    if wrong is not None:
        raise CommandError(
            said(
                "%(wrong)s (it is asked for at the terminal, or read from what is piped in; or use --link)",
                wrong=as_on_pages(wrong.value),
            )
        )
    return text


def last_moment(text: str | None) -> int | None:
    """Return when the day in `text` is over. Raises CommandError when it is none."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise CommandError(said("--until %(given)s is not a day: write it as 2027-06-30", given=repr(text))) from error
    return int(datetime.combine(day, time(), UTC).timestamp() * 1000)


def check_scope(unit: Unit, programme: str, region: str, now: int) -> None:
    """Refuse a limit that there is not: it would allow nothing, and nobody knew why. Raises CommandError."""
    known = known_scopes(unit, now)
    for option, text, names in (("--programme", programme, known.programmes), ("--region", region, known.regions)):
        if text and text not in names:
            raise CommandError(_unknown(option, text, closest(text, names)))


def _unknown(option: str, text: str, near: str | None) -> str:
    if near:
        return said(
            "%(option)s %(given)s is not known: did you mean %(near)s?",
            option=option,
            given=repr(text),
            near=repr(near),
        )
    return said("%(option)s %(given)s is not known: add it first", option=option, given=repr(text))
