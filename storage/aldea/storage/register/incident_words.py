"""Why an incident cannot be found, or answered so, in both languages."""

from __future__ import annotations

from aldea.model.said import Said


def no_incident(incident_id: str) -> Said:
    """Return why: there is no such incident."""
    return Said(
        f"there is no incident {incident_id[:64]!r}: look for it in the list of incidents",
        f"no hay ningún incidente {incident_id[:64]!r}: buscarlo en la lista de incidentes",
    )


def no_cursor(incident_id: str) -> Said:
    """Return why: a list cannot go on behind that one."""
    return Said(
        f"there is no incident {incident_id[:64]!r} to go on from: start from the first page",
        f"no hay ningún incidente {incident_id[:64]!r} desde el cual seguir: empezar en la primera página",
    )


def empty_comment() -> Said:
    """Return why: a comment says nothing."""
    return Said(
        "the comment is empty: write what you did or saw",
        "el comentario está vacío: escribir qué se hizo o se vio",
    )


def long_text(what: Said, size: int, most: int) -> Said:
    """Return why: a text is too long; `what` it is, such as `NOTE`."""
    return Said(
        f"the {what} has {size} characters: write at most {most}",
        f"{what.es} tiene {size} caracteres: escribir {most} como máximo",
    )


NOTE = Said("note", "la nota")
COMMENT = Said("comment", "el comentario")
