"""Why a record cannot be stored, withdrawn or listed so, in both languages."""

from __future__ import annotations

from collections.abc import Iterable

from aldea.model.said import Said


def sent_before(record_id: str) -> Said:
    """Return why: the same form has stored something else before."""
    return Said(
        f"record {record_id!r} was stored from this form before, with other content: open it and correct it there",
        f"el registro {record_id!r} ya se guardó desde este formulario con otro contenido: abrirlo y corregirlo ahí",
    )


def no_record(record_id: str) -> Said:
    """Return why: there is no such record."""
    return Said(f"there is no record {record_id[:64]!r}", f"no hay ningún registro {record_id[:64]!r}")


def no_reason() -> Said:
    """Return why: a withdrawal does not say why."""
    return Said(
        "reason is missing: say in a few words why the record is withdrawn",
        "falta el motivo: decir en pocas palabras por qué se retira el registro",
    )


def no_cursor(text: str) -> Said:
    """Return why: a list cannot go on behind that."""
    return Said(
        f"after is {text[:40]!r}, which is no cursor: use `next` of the page before",
        f"after es {text[:40]!r}, que no es un cursor: usar `next` de la página anterior",
    )


def stays(record_id: str, form: str, site: str) -> Said:
    """Return why: a record keeps its form and its site."""
    return Said(
        f"record {record_id!r} is a {form!r} of site {site!r} and stays one: withdraw it and enter a new one instead",
        f"el registro {record_id!r} es de {form!r} en el sitio {site!r} y así se queda: retirarlo y capturar otro",
    )


def changed_meanwhile(record_id: str, version: int, corrected: int) -> Said:
    """Return why: somebody else has corrected the record."""
    return Said(
        f"record {record_id!r} was changed by somebody else meanwhile (it is at version {version}, "
        f"version {corrected} was corrected): look at the newest version and correct that",
        f"alguien cambió mientras tanto el registro {record_id!r} (va en la versión {version} y se corrigió la "
        f"{corrected}): ver la versión más nueva y corregir esa",
    )


def no_source(source: str, known: Iterable[str]) -> Said:
    """Return why: a record comes from nowhere that is known."""
    listed = ", ".join(known)
    return Said(f"source is {source[:20]!r}: use one of {listed}", f"source es {source[:20]!r}: usar uno de {listed}")


def bad_token() -> Said:
    """Return why: a sender's token cannot be."""
    return Said("token must be 1 to 64 characters", "token debe tener de 1 a 64 caracteres")
