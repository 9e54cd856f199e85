"""Files of records, by page and command, and the API: every bad row and field is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from httpx import Client

from aldea.deploy.cli.main import main
from aldea.model.forms import load_forms
from aldea.storage.register.records import list_records
from dashboard_api.village import NOW_MS, Village

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aldea.dashboard_api.server import HttpServer

LATELY = datetime.fromtimestamp(NOW_MS / 1000, UTC).date() - timedelta(days=5)
DAY1, DAY2 = LATELY.isoformat(), (LATELY + timedelta(days=1)).isoformat()
SPANISH, MONTH = f"{LATELY:%d/%m/%Y}", DAY2[:7]

HEAD = "site,programme,activity,event_date,unkeyed,participants.code,participants.sex,participants.age_band\n"
GOOD = f"escuela-01,,Taller,{DAY1},,K-1,F,15-24\nescuela-01,,Taller,{DAY1},,K-2,M,65+\n"
BAD = f"nada,,Taller,{DAY1},,K-1,F,15-24\nescuela-02,,Taller,{DAY1},,Nombre Apellido,F,15-24\n"
OTHER = f"escuela-01,sur,Taller,{DAY2},,K-1,F,15-24\n"


@pytest.fixture
def client(server: HttpServer) -> Iterator[Client]:
    with Client(base_url=server.url, timeout=60, headers={"Accept-Language": "es"}) as found:
        yield found


def send(client: Client, content: str | bytes, bad: str = "nothing", form: str = "attendance") -> Any:
    # Without cookies it is a program that sends, and no browser's form to be signed.
    client.cookies.clear()
    return client.post("/records/import", data={"form": form, "bad": bad}, files={"file": ("a.csv", content)})


def stored(village: Village) -> int:
    with village.register.reading() as unit:
        return len(list_records(unit))


def test_a_file_with_a_bad_row_stores_nothing_or_all_good_rows_and_the_rest_comes_back(
    client: Client, village: Village
) -> None:
    answer = send(client, HEAD + GOOD + BAD + OTHER)
    assert answer.status_code == 400
    assert "No se guardó nada" in answer.text
    assert "Línea 4: sitio: «nada» no existe" in answer.text
    assert "Línea 5: Clave: «Nombre Apellido» parece un nombre; use una clave" in answer.text
    assert "Línea 6: programa: el sitio «escuela-01» no está en «sur»" in answer.text
    assert stored(village) == 0
    answer = send(client, HEAD + GOOD + BAD, bad="good")
    assert answer.status_code == 200
    assert "Se guardó 1 registro" in answer.text
    assert "escuela-02%2C%2CTaller" in answer.text, "the reject file has the line"
    assert stored(village) == 1
    assert "1 ya estaba" in send(client, HEAD + GOOD).text, "the same file stores nothing twice"
    assert stored(village) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no llegó ninguno"),
        ("edad\n1\n", "la columna «edad» no es de este formulario"),
        ("site\na\n", "falta la columna «activity»"),
        (b"\x00\x01\x02" * 9, "CSV UTF-8"),
        (HEAD + f"escuela-01,,Taller,{DAY1},,K-1,F,15-24,x\n", "hay 9 celdas"),
        (HEAD + "\n" * 20_001, "más de 20000 líneas"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(client: Client, content: str | bytes, words: str) -> None:
    answer = send(client, content)
    assert (answer.status_code, words in answer.text) == (400, True), answer.text[-3000:]


def test_excels_own_writing_and_spanish_headings_are_read(client: Client, village: Village) -> None:
    table = "Sitio;Actividad;Fecha;participants.code;participants.sex;participants.age_band\r\n"
    answer = send(client, (table + f"escuela-01;Plática;{SPANISH};K-1;Mujer;15-24\r\n").encode("cp1252"))
    assert answer.status_code == 200
    with village.register.reading() as unit:
        assert list_records(unit)[0].payload["activity"] == "Plática"


@pytest.mark.parametrize("form", load_forms())
def test_each_form_has_a_template_that_its_own_import_takes(client: Client, form: str) -> None:
    template = client.get(f"/records/import/{form}.csv")
    assert template.headers["content-disposition"].endswith(f'aldea-{form}.csv"')
    assert send(client, template.content, form=form).status_code == 200


def test_the_command_imports_says_what_is_bad_and_writes_rejects(
    village: Village, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["import", "--register", f"sqlite:///{tmp_path / 'register.db'}", "csv", "attendance"]
    path, rejects = tmp_path / "a.csv", tmp_path / "rejects.csv"
    path.write_text(HEAD + GOOD + BAD, encoding="utf-8")
    assert main([*base, str(path)]) == 1
    assert "Line 5: Code: “Nombre Apellido” looks like a name; use a code, not a name." in capsys.readouterr().err
    assert stored(village) == 0
    assert main([*base, str(path), "--good-rows", "--rejects", str(rejects), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["stored"], [item["line"] for item in told["bad"]]) == (1, [4, 5])
    assert rejects.read_text(encoding="utf-8-sig").splitlines()[1].startswith("nada,,Taller")
    assert main([*base, "--template"]) == 0
    assert capsys.readouterr().out.strip("\ufeff\r\n") == HEAD.strip() + ",tally.sex,tally.age_band,tally.count"
    assert main([*base]) == 1
    assert "no file is named" in capsys.readouterr().err
    assert main([*base, str(tmp_path / "none.csv")]) == 1
    assert "can't be read" in capsys.readouterr().err
    path.write_text("x\n", encoding="utf-8")
    assert main([*base, str(path)]) == 1
    assert "column “x” is not of this form" in capsys.readouterr().err


SENT: dict[str, Any] = {
    "site": "escuela-01",
    "form": "attendance",
    "event_date": DAY1,
    "payload": {"activity": "Taller", "participants": [{"code": "K-1", "sex": "F", "age_band": "15-24"}], "unkeyed": 2},
    "token": "t-1",
}


def test_the_api_stores_once_corrects_and_lists(client: Client) -> None:
    first = client.post("/api/v1/records", json=SENT)
    assert first.status_code == 201
    assert client.post("/api/v1/records", json=SENT).json() == first.json()
    record = first.json()["id"]
    again = client.post("/api/v1/records", json={**SENT, "event_date": DAY2})
    assert (again.status_code, "otro contenido" in again.json()["detail"]) == (409, True)
    change = {**SENT, "token": "t-2", "record": record, "supersedes": 1, "reason": "day", "event_date": DAY2}
    assert client.post("/api/v1/records", json=change).json()["version"] == 2
    found = client.get(f"/api/v1/records/{record}").json()
    assert [item["event_date"] for item in found["versions"]] == [DAY1, DAY2]
    for query, count in (("form=attendance", 1), ("form=course", 0), ("site=escuela-02", 0), (f"month={MONTH}", 1)):
        assert len(client.get(f"/api/v1/records?{query}").json()["items"]) == count, query
    assert {form["id"] for form in client.get("/api/v1/forms").json()["items"]} == set(load_forms())


def test_the_api_has_one_entry_for_each_bad_field(client: Client) -> None:
    people = [
        {"code": "Nombre Apellido", "sex": "F", "age_band": "15-24"},
        {"code": "K-2", "sex": "Z", "age_band": "65+"},
    ]
    payload = {"activity": "", "participants": people, "shoe": 1}
    wrong = {**SENT, "event_date": "2030-01-01", "programme": "sur", "payload": payload}
    answer = client.post("/api/v1/records", json=wrong, headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert {item["parameter"] for item in answer.json()["errors"]} == {
        "programme",
        "event_date",
        "payload.activity",
        "payload.participants.0.code",
        "payload.participants.1.sex",
        "payload.shoe",
    }
    assert "use a code, not a name" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"form": "x"}, 400, "use one of course"),
        ({"site": "x"}, 404, "no site 'x'"),
        ({"record": "x", "reason": "y"}, 404, "no record"),
        ({"form_version": "3", "payload": {**SENT["payload"], "shoe": 1}}, 201, ""),
    ],
)
def test_the_api_says_what_cannot_be(client: Client, change: dict[str, Any], status: int, words: str) -> None:
    answer = client.post("/api/v1/records", json={**SENT, **change})
    assert (answer.status_code, words in answer.text) == (status, True), answer.text


@pytest.mark.parametrize(("query", "words"), [("month=x", "dar año y mes"), ("after=x", "no es un cursor")])
def test_a_bad_list_parameter_is_named(client: Client, query: str, words: str) -> None:
    answer = client.get(f"/api/v1/records?{query}")
    assert (answer.status_code, words in answer.json()["detail"]) == (400, True)
