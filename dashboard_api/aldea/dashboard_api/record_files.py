"""Files of records: reading CSV, checking every line, and importing nothing or all good ones."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from aldea.dashboard_api.record_intake import Intake, check, new_record
from aldea.model.forms import Definition, Fault, TableEntry, read_table, sentence, table_header
from aldea.storage.importing.cells import as_meant, harmless
from aldea.storage.register.facts import fact_history
from aldea.storage.register.records import NewRecord, put_record, record_of_token
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, find_site

MAX_BYTES = 5_000_000
MAX_LINES = 20_000
_DELIMITERS = ",;\t"

NO_SITE = {
    "es": "sitio: «{site}» no existe o no es de los suyos; use la clave de un sitio, como en la lista.",
    "en": "site: “{site}” does not exist or is not yours to enter records for; use a site's id as in the list.",
}
NO_PROGRAMME = {
    "es": "programa: el sitio «{site}» no está en «{programme}»; use uno de los suyos o déjese vacío: {choices}.",
    "en": "programme: site “{site}” is not in “{programme}”; use one of its own or leave it empty: {choices}.",
}
NOT_TEXT = {
    "es": "El archivo no es texto en UTF-8 ni de Excel en español; guárdese como «CSV UTF-8».",
    "en": "The file is not text in UTF-8 nor of a Western Excel; save it as “CSV UTF-8”.",
}
TOO_BIG = {
    "es": "El archivo tiene más de {lines} líneas; divídase.",
    "en": "The file has more than {lines} lines; divide it.",
}
LINE = {"es": "Línea {line}: {text}", "en": "Line {line}: {text}"}


class FileError(ValueError):
    """The file as a whole cannot be read; the message says why, in the language asked for."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """What is wrong in a line of the file (the first is 1): a sentence that names the field and the fix."""

    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A file that was read and checked; nothing of it is stored yet. `rejects` holds the lines that can't be taken."""

    good: tuple[NewRecord, ...]
    bad: tuple[BadLine, ...]
    rejects: str


def template(definition: Definition) -> str:
    """Return an empty file for a form: its header, with the byte order mark by which Excel knows UTF-8."""
    return "\ufeff" + ",".join(table_header(definition)) + "\r\n"


def read_lines(content: bytes, language: str) -> list[list[str]]:
    """Return a file's cells. Comma, semicolon or tab; UTF-8, or what a Western Excel writes. Raises FileError."""
    text = _decoded(content, language)
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        lines = [list(map(as_meant, line)) for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    except csv.Error as error:
        raise FileError(f"{NOT_TEXT[language]} ({error})") from error
    if len(lines) > MAX_LINES:
        raise FileError(TOO_BIG[language].format(lines=MAX_LINES))
    return lines


def review(
    unit: Unit,
    definition: Definition,
    content: bytes,
    *,
    may_write: Callable[[Site, str], bool],
    author: str | None,
    now_ms: int,
    language: str,
) -> Reviewed:
    """Check a whole file. `may_write` says for a site and a programme whether the one who asks may enter it.

    Raises FileError where the file or its header can't be read.
    """
    lines = read_lines(content, language)
    entries, faults = read_table(definition, lines)
    if faults:
        raise FileError(" ".join(sentence(fault, language) for fault in faults))
    good: list[NewRecord] = []
    bad: list[BadLine] = []
    rejected: set[int] = set()
    for entry in entries:
        wrong, record = _entry(unit, definition, entry, may_write, author, now_ms, language)
        if wrong or record is None:
            bad += wrong
            rejected.update(entry.lines)
        else:
            good.append(record)
    return Reviewed(tuple(good), tuple(sorted(bad, key=lambda item: item.line)), _rejects(lines, rejected, bad))


def store_all(unit: Unit, records: Sequence[NewRecord]) -> tuple[int, int]:
    """Store reviewed records; return how many are new, and how many the same file had brought before."""
    new = 0
    for record in records:
        assert record.token is not None
        if record_of_token(unit, record.site, record.token) is None:
            new += 1
            put_record(unit, record)
    return new, len(records) - new


def _decoded(content: bytes, language: str) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise FileError(NOT_TEXT[language])


def _entry(
    unit: Unit,
    definition: Definition,
    entry: TableEntry,
    may_write: Callable[[Site, str], bool],
    author: str | None,
    now_ms: int,
    language: str,
) -> tuple[list[BadLine], NewRecord | None]:
    first = entry.lines[0]
    site = find_site(unit, entry.site)
    if site is None or not (may_write(site, entry.programme) or may_write(site, "")):
        return [BadLine(first, _line(first, NO_SITE[language].format(site=entry.site[:39]), language))], None
    own = sorted({str(fact.value) for fact in fact_history(unit, site.id, "programme")})
    if (entry.programme and entry.programme not in own) or not may_write(site, entry.programme):
        words = {"site": site.id, "programme": entry.programme[:80], "choices": ", ".join(own)}
        return [BadLine(first, _line(first, NO_PROGRAMME[language].format(**words), language))], None
    key = hashlib.sha256(repr((definition.id, entry.site, entry.programme, sorted(entry.typed.items()))).encode())
    intake = Intake(
        definition, site.id, entry.programme, entry.typed, token=f"csv-{key.hexdigest()[:40]}", source="csv"
    )
    checked = check(unit, intake, site, now_ms)
    faults = (*entry.faults, *checked.faults)
    if faults:
        return list(_bad_lines(entry, faults, language)), None
    return [], new_record(intake, checked, author, now_ms)


def _bad_lines(entry: TableEntry, faults: Sequence[Fault], language: str) -> Iterator[BadLine]:
    for fault in faults:
        parts = fault.path.split(".")
        if parts[0] == "line":
            line = int(parts[1])
        else:
            line = entry.lines[int(parts[1])] if len(parts) == 3 else entry.lines[0]
        plain = Fault(parts[-1], fault.code, fault.labels, fault.words)
        yield BadLine(line, _line(line, sentence(plain, language), language))


def _line(line: int, text: str, language: str) -> str:
    return LINE[language].format(line=line, text=text)


def _rejects(lines: Sequence[Sequence[str]], rejected: set[int], bad: Sequence[BadLine]) -> str:
    """Return the lines that were not taken as a file of their own, each with what is wrong in a last column."""
    if not rejected:
        return ""
    out = io.StringIO()
    writer = csv.writer(out)
    for number, line in enumerate(lines, 1):
        if number in rejected:
            why = " ".join(item.sentence for item in bad if item.line == number)
            writer.writerow([*map(harmless, line), why])
        elif number == 1:
            writer.writerow(map(harmless, line))
    return "\ufeff" + out.getvalue()
