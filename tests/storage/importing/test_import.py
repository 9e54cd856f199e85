"""A table of sites as people keep them: what is read, what is refused with which sentence, what a second one does."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from aldea.simulator.fleet import registrations
from aldea.storage.importing import tables, words
from aldea.storage.importing.applying import apply_plan
from aldea.storage.importing.cells import as_meant, harmless
from aldea.storage.importing.columns import COLUMNS
from aldea.storage.importing.files import rejects_csv, template_csv
from aldea.storage.importing.plan import Plan, Wish, day_start, make_plan
from aldea.storage.importing.states import state_code, zones_of
from aldea.storage.importing.tables import read_table
from aldea.storage.importing.values import read_hours, written_hours
from aldea.storage.importing.words import TableError
from aldea.storage.importing.workbooks import rejects_xlsx, template_xlsx
from aldea.storage.register import Register, open_register
from aldea.storage.register.facts import fact_at, fact_history, programmes_at
from aldea.storage.register.people import add_person, set_disabled
from aldea.storage.register.programmes import Programme, add_programme
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites, count_sites, find_site, state_at
from registerkit import clean_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_795_366_800_000
DAY = 86_400_000
HEAD = "id;name;state;municipality"


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    made = open_register(clean_file(tmp_path))
    with made.transaction() as unit:
        for name in ("b", "p", "q", "r", "aldeas-inteligentes"):
            add_programme(unit, Programme(name, name, date(2024, 1, 1), None, {}))
        for name in ("tekax", "kancab"):
            add_person(unit, name, name.title(), NOW)
        set_disabled(unit, "kancab", disabled=True, at_ms=NOW)
    yield made
    made.close()


def plan_of(register: Register, text: str, wish: Wish | None = None, now: int = NOW) -> Plan:
    with register.reading() as unit:
        return make_plan(unit, read_table(text.encode()), wish or Wish(), now)


def load(register: Register, text: str, wish: Wish | None = None, now: int = NOW) -> Plan:
    with register.transaction() as unit:
        plan = make_plan(unit, read_table(text.encode()), wish or Wish(), now)
        apply_plan(unit, plan.good, now)
    return plan


def sentences(plan: Plan) -> list[str]:
    return [fault.sentence() for refused in plan.refused for fault in refused.faults]


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


FILES = [
    (b"", "No line with the columns' names"),
    (b"one;two\n1;2", "No line with the columns' names"),
    (b"id;name\n", "has no sites below"),
    (b"name;state\nX;Campeche", "The column “id / clave” is missing"),
    (b"id;clave;name\nx;x;X", "mean the same: keep one"),
    (b"PK\x03\x04 no zip", "neither XLSX nor CSV"),
    (b"\x89PNG\x00\x00", "neither XLSX nor CSV"),
]


@pytest.mark.parametrize(("content", "said"), FILES)
def test_a_file_that_is_no_table_gets_a_sentence(register: Register, content: bytes, said: str) -> None:
    with register.reading() as unit, pytest.raises(TableError, match=said):
        make_plan(unit, read_table(content), Wish(), NOW)


def test_size_and_number_of_lines_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TableError, match="split it"):
        read_table(b"x" * (tables.MOST_BYTES + 1))
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    with pytest.raises(TableError, match="more than 3 rows"):
        read_table(b"id;name\n" + b"x;X\n" * 5)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", [";", ",", "\t"])
def test_csv_is_read_as_excel_writes_it(register: Register, encoding: str, mark: str) -> None:
    text = mark.join(["clave", "nombre", "estado", "municipio"]) + "\r\n" + mark.join(["x", "Ñu", "Yucatán", "Yaxcabá"])
    with register.reading() as unit:
        plan = make_plan(unit, read_table(text.encode(encoding)), Wish(), NOW)
    row = plan.added[0].row
    assert (row.name, row.facts["municipality"], row.timezone) == ("Ñu", "Yaxcabá", "America/Merida")


def test_xlsx_is_read_with_its_numbers_dates_and_a_title_on_top(register: Register) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Sitios 2026"])
    sheet.append(["Clave", "Nombre", "Clave INEGI", "Puesta en marcha", "Población"])
    sheet.append(["x", "X", 310790001, datetime(2026, 3, 1), 790.0])  # noqa: DTZ001 - a cell's day has no zone
    out = io.BytesIO()
    book.save(out)
    with register.reading() as unit:
        plan = make_plan(unit, read_table(out.getvalue()), Wish(), NOW)
    row = plan.added[0].row
    assert (row.line, row.commissioned, row.facts["population"]) == (3, date(2026, 3, 1), 790)
    assert (row.facts["inegi_code"], row.facts["state_name"]) == ("310790001", "Yucatán")


def test_accepted_fixes_are_taken_and_said(register: Register) -> None:
    plan = plan_of(register, "id;name;inegi_code\n;Isla Arena;40010018", Wish(accept_fixes=True))
    assert (plan.added[0].row.id, plan.added[0].row.facts["inegi_code"]) == ("isla-arena", "040010018")
    assert [fault.fix for fault in plan.accepted] == ["isla-arena", "040010018"]


def test_a_new_site_has_its_facts_a_primary_device_and_counts_from_its_date(register: Register) -> None:
    load(register, f"{HEAD};programme;commissioned\nx;X;Campeche;Calkiní;b; 2026-03-01\ny;Y;Campeche;;;2027-01-01")
    with register.reading() as unit:
        start = day_start(date(2026, 3, 1), "America/Merida")
        assert state_at(unit, "x", start) is SiteState.COMMISSIONED
        assert state_at(unit, "x", start - 1) is None
        assert programmes_at(unit, "x", NOW) == ("b",)
        assert state_at(unit, "y", NOW) is SiteState.PLANNED
        assert state_at(unit, "y", NOW + 60 * DAY) is SiteState.COMMISSIONED


def test_importing_again_changes_nothing_and_a_change_is_dated(register: Register) -> None:
    text = f"{HEAD};proveedor;programa;horario\nx;X;Campeche;Calkiní;A;p, q;lun 9:00-12:00\n"
    assert len(load(register, text).added) == 1
    again = load(register, text, now=NOW + DAY)
    assert (again.good, len(again.same)) == ((), 1)
    changed = text.replace(";A;p, q", ";B;q, r")
    plan = load(register, changed, Wish(from_day=date(2026, 12, 1)), NOW + DAY)
    assert {change.key for change in plan.changed[0].changes} == {"provider", "programme"}
    then = day_start(date(2026, 12, 1), "America/Merida")
    with register.reading() as unit:
        assert [fact_at(unit, "x", "provider", at) for at in (then - 1, then)] == ["A", "B"]
        assert [programmes_at(unit, "x", at) for at in (then - 1, then)] == [("p", "q"), ("q", "r")]
        assert len(fact_history(unit, "x", "municipality")) == 1
        assert count_sites(unit, simulated=False) == 1


def test_an_empty_cell_leaves_what_is_known(register: Register) -> None:
    load(register, f"{HEAD};proveedor\nx;X;Campeche;Calkiní;A")
    load(register, "id;name;proveedor\nx;Nuevo nombre;")
    with register.reading() as unit:
        found = find_site(unit, "x")
        assert found is not None
        assert (found.name, found.timezone) == ("Nuevo nombre", "America/Merida")
        assert fact_at(unit, "x", "provider", NOW) == "A"


def test_simulated_sites_and_those_of_others_are_not_touched(register: Register) -> None:
    with register.transaction() as unit:
        site = Site("sim", "S", "America/Merida", NOW, simulated=True)
        add_sites(unit, [SiteEntry(site, NOW)])
    load(register, f"{HEAD}\nmine;M;Campeche;C")
    wish = Wish(may_add=False, may_change=lambda _site: False)
    plan = plan_of(register, f"{HEAD}\nsim;S;Campeche;C\nmine;N;Campeche;C\nnew;N;Campeche;C", wish)
    assert [text.split(":")[0] for text in sentences(plan)] == [
        "id is “sim”, which is a simulated site",
        "id is “mine”, a site that you may not change",
        "id is new, and new sites can only be added by somebody whose right holds everywhere",
    ]


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


def test_a_programme_and_a_person_that_there_are_not_are_named_with_the_fix(register: Register) -> None:
    text = (
        f"{HEAD};programa;responsable\nx;X;Campeche;C;aldeas-inteligente, p;tekaks\ny;Y;Campeche;C;zzz;kancab, nobody"
    )
    assert sentences(plan_of(register, text)) == [
        (
            "programa names the programme “aldeas-inteligente”, which there is not: did you mean "
            "aldeas-inteligentes? Else add it first"
        ),
        "responsable names the person “tekaks”, who has no account: did you mean tekax? Else add the person first",
        "programa names the programme “zzz”, which there is not: correct it, or add the programme first",
        "responsable names the person “kancab”, who has no account: correct it, or add the person first",
        "responsable names the person “nobody”, who has no account: correct it, or add the person first",
    ]
    good = plan_of(register, f"{HEAD};programa;responsable\nx;X;Campeche;C;p;tekax")
    assert good.refused == ()


def test_what_a_site_has_named_already_it_may_go_on_naming(register: Register) -> None:
    text = f"{HEAD};responsable;proveedor\nx;X;Campeche;C;tekax;A"
    load(register, text)
    with register.transaction() as unit:
        set_disabled(unit, "tekax", disabled=True, at_ms=NOW)
    assert plan_of(register, text.replace(";A", ";B")).refused == ()
    assert len(plan_of(register, text.replace("\nx;X", "\ny;Y")).refused) == 1


@given(st.text(max_size=20))
def test_no_cell_is_run_as_a_formula_and_each_is_read_as_it_was(text: str) -> None:
    written = harmless(text)
    assert not written.startswith(("=", "@", "\t", "\r"))
    assert written[:1] not in {"+", "-"} or all(letter.isdigit() or letter in ".," for letter in written[1:])
    assert as_meant(written) == text or text.startswith("'")


def test_a_formula_behind_a_number_is_none_either() -> None:
    assert harmless("-2+3+cmd|' /C calc'!A0") == "'-2+3+cmd|' /C calc'!A0"
    assert [harmless(text) for text in ("-90.45", "+5", "1,000")] == ["-90.45", "+5", "1,000"]


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_templates_name_every_column_and_their_example_is_good(register: Register, language: str) -> None:
    assert sentences(plan_of(register, template_csv(language).decode("utf-8-sig"))) == []
    book = load_workbook(io.BytesIO(template_xlsx(language)))
    first, help_sheet = book.worksheets
    assert [cell.value for cell in first[1]] == [c.spanish if language == "es" else c.key for c in COLUMNS]
    assert help_sheet.max_row == len(COLUMNS) + 1
    assert first["F2"].number_format == "@"


def test_zones_agree_with_those_of_the_simulated_villages() -> None:
    for site in registrations():
        code = state_code(site.state_name)
        assert code is not None
        assert zones_of(code, site.inegi_code, None).certain == site.timezone, site.id
        assert zones_of(code, None, site.municipality).certain == site.timezone, site.id


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 22)), max_size=6))
def test_hours_are_read_as_they_are_written(opened: list[tuple[int, int]]) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    week: dict[str, list[list[str]]] = {day: [] for day in days}
    for day, hour in dict(opened).items():
        week[days[day]] = [[f"{hour:02}:00", f"{hour + 1:02}:00"]]
    text = written_hours(week)
    assert not text or read_hours(text) == week


def test_every_text_can_be_filled() -> None:
    assert len(words.TEXTS) > 25
    assert all("%(" not in text % _Anything() for text in words.TEXTS)


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key
