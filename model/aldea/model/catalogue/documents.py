"""What a site says to the register rather than to the series store: records, answers to commands, repairs."""

from __future__ import annotations

from aldea.model.catalogue.kinds import LONG_TEXT, Field, Kind, Measurement, count, text

DOCUMENTS = (
    Measurement(
        "command",
        "Answer to a command",
        (),
        (
            text("command", "Command"),
            text("kind", "Kind of command"),
            text("state", "What became of it"),
            text("detail", "Details", LONG_TEXT),
        ),
        document=True,
    ),
    Measurement(
        "record",
        "Record entered at the site",
        (),
        (
            text("record", "Record"),
            count("version", "Version"),
            text("form", "Form"),
            text("form_version", "Version of the form"),
            text("programme", "Programme"),
            text("event_date", "Day it happened"),
            text("payload", "Content", LONG_TEXT),
            Field("withdrawn", Kind.FLAG, "Withdrawn"),
            text("reason", "Reason"),
        ),
        document=True,
    ),
    Measurement(
        "forms",
        "Forms that the box has",
        (),
        (text("versions", "Versions of the forms"),),
        document=True,
    ),
    Measurement(
        "repair",
        "Repair reported at the site",
        (),
        (text("repair", "Repair"), text("findings", "What the box found"), text("note", "Note")),
        document=True,
    ),
)
