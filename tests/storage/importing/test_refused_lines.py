"""A table of sites as people keep them: what is refused, with which sentence and fix."""

from __future__ import annotations

import csv
import io

import pytest

from aldea.storage.importing import tables, words
from aldea.storage.importing.files import rejects_csv
from aldea.storage.importing.tables import read_table
from aldea.storage.importing.words import TableError
from aldea.storage.importing.workbooks import rejects_xlsx
from aldea.storage.register import Register
from storage.importing.loading import plan_of, sentences

BAD = [
    ("id;name;latitude;longitude;timezone\nx;X;20.5;;America/Merida", "latitude and longitude go together"),
    ("id;name;latitude;longitude;timezone\nx;X;-90;20;America/Merida", "are latitude and longitude swapped"),
    ("id;name;timezone\nX Y;X;America/Merida", "an id has 1 to 39 of a-z"),
    ("id;name;timezone\nx;;America/Merida", "name is empty: write it"),
    ("id;name;timezone\nx;X;Merida", "write an IANA name"),
    ("id;name\nx;X", "can't be told without a state or an INEGI code"),
    ("id;name;state\nx;X;Chihuahua", "Chihuahua has several"),
    ("id;name;state\nx;X;Texas", "none of the 32 federal states"),
    ("id;name;inegi_code\nx;X;7097", "its first zero is lost"),
    ("id;name;inegi_code\nx;X;70970001", "write 070970001"),
    ("id;name;inegi_code\nx;X;123", "has 5 digits, that of a locality 9"),
    ("id;name;inegi_code;state\nx;X;31104;Campeche", "a code of Yucatán, but the state is “Campeche”"),
    ("id;name;state;timezone\nx;X;Campeche;America/Tijuana", "keeps the time of America/Merida"),
    ("id;name;state;municipality;timezone\nx;X;Chihuahua;Ojinaga;America/Chihuahua", "the time of America/Ojinaga"),
    ("id;name;state;population\nx;X;Campeche;many", "write a whole number such as 1250"),
    ("id;name;state;population;population_15plus\nx;X;Campeche;10;11", "more than the population, 10"),
    ("id;name;state;bajada_mbps\nx;X;Campeche;1,250", "is the comma for thousands or for decimals"),
    ("id;name;state;bajada_mbps\nx;X;Campeche;-3", "it must be from 0 to"),
    ("id;name;state;commissioned\nx;X;Campeche;March", "write the date as 2026-03-01"),
    ("id;name;state;horario\nx;X;Campeche;siempre", "write hours such as"),
    ("id;name;state;horario\nx;X;Campeche;lun 18:00-09:00", "write hours such as"),
    ("id;name;state;technology\nx;X;Campeche;pigeon", "write one of: geo, meo, leo"),
    ("id;name;state\nx;X;Campeche\nx;Y;Campeche", "as in line 2: each site stands in one line"),
    (f"id;name;state\nx;{'X' * 201};Campeche", "has 201 characters; at most 200"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_a_bad_line_is_named_with_its_fix(register: Register, text: str, said: str) -> None:
    plan = plan_of(register, text)
    assert any(said in sentence for sentence in sentences(plan)), sentences(plan)


def test_size_and_number_of_lines_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TableError, match="split it"):
        read_table(b"x" * (tables.MOST_BYTES + 1))
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    with pytest.raises(TableError, match="more than 3 rows"):
        read_table(b"id;name\n" + b"x;X\n" * 5)


def test_the_reject_file_is_the_table_again_with_reasons_and_can_be_mended(register: Register) -> None:
    text = "id;name;state;población;nota\nx;=1+1;Campeche;many;\ny;Y;Campeche;1;\n"
    plan = plan_of(register, text)
    rows = list(csv.reader(io.StringIO(rejects_csv(plan, "es").decode("utf-8-sig"), newline="")))
    assert rows[0] == ["id", "name", "state", "población", "nota", "motivo"]
    assert rows[1][:4] == ["x", "'=1+1", "Campeche", "many"]
    assert "whole number" in rows[1][5]
    mended = rejects_csv(plan).decode().replace("many", "5")
    again = plan_of(register, mended)
    assert (len(again.added), again.refused, [name for name, _ in again.ignored]) == (1, (), ["nota"])
    assert again.added[0].row.name == "=1+1", "what was made harmless is read as it was meant"
    assert read_table(rejects_xlsx(plan)).lines[0].cells[3] == "many"


def test_every_text_can_be_filled() -> None:
    assert len(words.TEXTS) > 25
    assert all("%(" not in text % _Anything() for text in words.TEXTS)


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key
