"""What the commands of the register say in Spanish: results, mistakes, and states by the pages' own words."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from aldea.alert_rules.notify.channels import PROBLEMS
from aldea.dashboard_api.web.contact_words import FAILURE_WORDS, STATE_WORDS
from aldea.dashboard_api.web.device_words import STATES as COMMAND_STATES
from aldea.dashboard_api.web.release_words import PROGRESS, STATES, WHY
from aldea.dashboard_api.web.settings_words import STANDING_WORDS
from aldea.deploy.cli.main import main
from aldea.deploy.cli.page_words import as_on_pages, translated
from aldea.deploy.cli.release_words import rollout_text
from aldea.deploy.os_words import USUAL
from aldea.deploy.words import said
from aldea.model.rollouts import Progress, Rollout, RolloutState, Why
from aldea.storage.importing.words import TEXTS
from aldea.storage.register.passwords import Weakness
from aldea.storage.register.rollout_rows import RolloutDevice, StoredRollout
from registerkit import clean_file

GOOD = "correct horse battery"
ENGLISH = re.compile(r"\b(?:the|is|are|was|there|with|of|from|now|it|has|have|not|yet)\b")
SITE = ["site", "add", "isla-arena", "--name", "Isla Arena", "--timezone", "America/Merida"]

Step = tuple[list[str], str, int, str]
"""What is typed, what is piped in, the exit code, and a part of what is said."""

USER: list[Step] = [
    (["user", "list"], "", 0, "Nadie tiene cuenta todavía"),
    (["user", "add", "beto", "--name", "Beto"], "corta", 1, "la contraseña necesita al menos 10 caracteres"),
    (["user", "add", "beto", "--name", "Beto"], GOOD, 0, "La cuenta beto quedó agregada."),
    (["user", "add", "beto", "--name", "Beto"], GOOD, 1, "ya hay una cuenta 'beto': hay que elegir otro nombre"),
    (["user", "add", "ana", "--name", "Ana", "--link"], "", 0, "La contraseña se pone una sola vez"),
    (["user", "grant", "beto", "viewer", "--until", "ayer"], "", 1, "--until 'ayer' no es un día"),
    (["user", "grant", "beto", "viewer", "--until", "2001-01-01"], "", 1, "terminaría antes de empezar"),
    (["user", "grant", "beto", "admin", "--region", "Yucatán"], "", 1, "dejar programa y región vacíos"),
    (["user", "grant", "beto", "viewer", "--region", "Yucatan"], "", 1, "¿se quiso decir 'Yucatán'?"),
    (["user", "grant", "beto", "viewer"], "", 0, "beto tiene el rol viewer (número 1)."),
    (["user", "revoke", "beto", "9"], "", 1, "beto no tiene ningún rol con el número 9"),
    (["user", "revoke", "beto", "1"], "", 0, "beto ya no tiene el rol viewer."),
    (["user", "token", "beto", "--name", "x", "--days", "0"], "", 1, "el token ya habría vencido"),
    (["user", "token", "beto", "--name", "x"], "", 0, "Se muestra una sola vez."),
    (["user", "disable", "beto"], "", 0, "La cuenta beto quedó desactivada."),
    (["user", "list"], "", 0, "Beto: sin rol  (desactivada)"),
    (["user", "reset-password", "nadie"], GOOD, 1, "no hay ninguna cuenta 'nadie'"),
]
CONTACT: list[Step] = [
    (["contact", "list"], "", 0, "Aún no se puede avisar a nadie"),
    (["contact", "add", "beto", "email", "address=b@example.org"], "", 1, "no se conoce a la persona 'beto'"),
    (["user", "add", "beto", "--name", "Beto"], GOOD, 0, "quedó agregada"),
    (["contact", "add", "beto", "email", "address=b"], "", 1, "address: No es una dirección de correo."),
    (["contact", "add", "beto", "email", "b"], "", 1, "'b' no es NAME=VALUE"),
    (["contact", "add", "beto", "email", "address=b@example.org", "--quiet", "9-8"], "", 1, "no son dos horas del día"),
    (["contact", "add", "beto", "email", "address=b@example.org"], "", 0, "Ya se puede avisar a beto por email"),
    (["contact", "test", "7"], "", 1, "no hay ningún contacto 7"),
    (["contact", "test", "1", "--wait", "0.01"], "", 1, "El mensaje de prueba sigue en espera"),
]
SITES: list[Step] = [
    (["site", "list"], "", 0, "Todavía no hay sitios"),
    ([*SITE[:-1], "Nada"], "", 1, "la zona horaria 'Nada' no es una zona IANA"),
    ([*SITE, "--fact", "color=rojo"], "", 1, "el dato 'color' no se conoce"),
    (SITE, "", 0, "isla-arena quedó registrado; su agente es isla-arena/agent."),
    (SITE, "", 1, "el sitio 'isla-arena' ya está registrado"),
    (["site", "show", "nada"], "", 1, "no hay ningún sitio 'nada'"),
    (["site", "enrol", "isla-arena", "--hours", "5000"], "", 1, "un código vale más de 0 y hasta 336 horas, no 5000"),
    (["site", "enrol", "isla-arena"], "", 0, "aldea agent enrol --server https://DIRECCION-DE-LAS-PAGINAS --code"),
    (["site", "import", "nada.csv"], "", 1, "nada.csv no se puede leer: no existe ese archivo o carpeta"),
    (["site", "import", "--template", "sitios.csv"], "", 0, "sitios.csv: llenarlo"),
]
DEVICE: list[Step] = [
    (SITE, "", 0, "quedó registrado"),
    (["device", "list", "nada"], "", 1, "no hay ningún sitio 'nada'"),
    (["device", "list", "isla-arena"], "", 0, "agent, principal, no tiene credencial"),
    (["device", "test", "nada", "ping"], "", 1, "decir con --device cuál equipo del sitio 'nada'; hay: ninguno"),
    (["device", "test", "isla-arena", "ping", "--hours", "9999"], "", 1, "dentro de 90 días"),
    (["device", "test", "isla-arena", "ping"], "", 0, ": en espera\naldea device commands isla-arena dice qué pasa"),
    (["device", "commands", "isla-arena"], "", 0, "en espera"),
    (["device", "cancel", "isla-arena", "nada"], "", 1, "el sitio 'isla-arena' no tiene la orden 'nada'"),
    (["device", "replace", "isla-arena", "--device", "otro"], "", 1, "no tiene el equipo 'otro': tiene agent"),
    (["device", "replace", "isla-arena"], "", 0, "trae lo que la caja vieja no había entregado."),
    (
        ["device", "revoke", "isla-arena", "agent"],
        "",
        0,
        "isla-arena/agent: su acceso terminó; lo que midió se conserva.",
    ),
    (["device", "revoke", "isla-arena", "agent"], "", 0, "isla-arena/agent: no tenía acceso"),
]
PROFILE: list[Step] = [
    (SITE, "", 0, "quedó registrado"),
    (["profile", "list"], "", 0, "Ahorro de datos          ajustes: 6, sitios: 0"),
    (["profile", "show", "nada"], "", 1, "no existe el perfil 'nada'"),
    (["profile", "set", "x", "--file", "nada.toml"], "", 1, "nada.toml no se puede leer: no existe"),
    (["profile", "assign", "frugal", "nada"], "", 1, "el sitio 'nada' no está registrado"),
    (["profile", "assign", "frugal", "isla-arena"], "", 0, "sitios que ahora tienen frugal y antes no: 1"),
    (["profile", "send", "frugal", "--site", "nada"], "", 1, "el sitio 'nada' no tiene ningún equipo con el perfil"),
    (["profile", "send", "frugal", "--dry-run"], "", 0, "de 1 equipos cambiarían: 1"),
    (["profile", "send", "frugal"], "", 0, "se enviaron sus ajustes a 1 de 1 equipos"),
    (["profile", "show", "frugal"], "", 0, "# isla-arena/agent: en camino o a prueba"),
]
RELEASE: list[Step] = [
    (["release", "list"], "", 0, "Todavía no se agregó ninguna versión"),
    (["release", "trust"], "", 0, "Todavía no se confía en ninguna llave"),
    (["release", "keygen", "--out", "keys"], "", 0, "hay que guardarla donde no haya ningún servidor"),
    (["release", "keygen", "--out", "keys"], "", 1, "una llave nunca se sobrescribe"),
    (["release", "trust", "keys/release.pub"], "", 0, "Llaves de confianza: 1."),
    (["release", "trust", "keys/release.key"], "", 1, "no contiene ninguna llave pública (PEM)"),
    (["release", "sign", "x.whl", "--key", "keys/release.key"], "", 1, "hay que dar el paquete de Aldea"),
    (["release", "sign", "aldea-1.whl", "--key", "keys/release.key"], "", 1, "no existe ese archivo o carpeta"),
    (["release", "preview", "9"], "", 1, "no hay ninguna versión '9'"),
    (["release", "roll-out", "9"], "", 1, "no hay ninguna versión '9'"),
    (["release", "show"], "", 1, "todavía no se distribuyó ninguna versión"),
    (["release", "pause"], "", 1, "no se está distribuyendo ninguna versión"),
]
INDICATORS: list[Step] = [
    (["indicators", "list"], "", 0, "Días con uso"),
    (["indicators", "show", "nada"], "", 1, "no hay ningún indicador 'nada'"),
    (["indicators", "compute", "--period", "2025-06"], "", 1, "un mes se escribe como 202506"),
    (["indicators", "compute", "--period", "202506"], "", 0, "202506 (cerrado): valores nuevos: 0; cambiados: 0"),
    (["indicators", "show", "use_active_days_pct"], "", 0, "[%], ningún periodo todavía"),
]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A terminal in Spanish in a folder with an empty register."""
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "es_MX.UTF-8")
    monkeypatch.setenv("ALDEA_REGISTER_URL", clean_file(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "story",
    [USER, CONTACT, SITES, DEVICE, PROFILE, RELEASE, INDICATORS],
    ids=["user", "contact", "site", "device", "profile", "release", "indicators"],
)
def test_results_and_mistakes_are_in_spanish(
    story: list[Step], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, typed, code, sentence in story:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        done = main(words)
        out, err = capsys.readouterr()
        assert (done, sentence in out + err) == (code, True), f"{words}: {out}{err}"
        assert ENGLISH.findall(out + err) == [], out + err


def test_the_same_in_english_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SITE, "--lang", "en"]) == 0
    assert main(["site", "enrol", "isla-arena", "--lang", "en", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("isla-arena is registered; its agent is isla-arena/agent.\n")
    assert "https://ADDRESS-OF-THE-PAGES" in out


def test_what_programs_read_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    main(SITE)
    capsys.readouterr()
    assert main(["device", "test", "isla-arena", "ping", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "waiting"


def test_a_table_of_sites_is_looked_at_in_spanish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "sitios.csv"
    table.write_text(
        "clave,nombre,estado,municipio,color\nUno Dos,Uno,Yucatán,Tekax,\ntres,Tres,,,\n", encoding="utf-8"
    )
    assert main(["site", "import", str(table), "--rejects", "rechazos.csv"]) == 1
    out = capsys.readouterr().out
    assert "! línea 2: clave es «Uno Dos»; una clave tiene de 1 a 39" in out
    assert "[--accept-fixes toma uno-dos]" in out
    assert "  la columna «color» no es de las nuestras" in out
    assert "Por agregar: 0; por cambiar: 0; sin cambio: 0; rechazadas: 2. No se cambió nada: corregir" in out
    assert "una clave tiene de 1 a 39" in (tmp_path / "rechazos.csv").read_text(encoding="utf-8")
    assert ENGLISH.findall(out) == []


def test_every_word_that_is_taken_from_the_pages_is_there_in_spanish() -> None:
    pages = [*STATES.values(), *PROGRESS.values(), *WHY.values(), *COMMAND_STATES.values(), *STANDING_WORDS.values()]
    pages += [*FAILURE_WORDS.values(), *(word for word, _look in STATE_WORDS.values()), *PROBLEMS.values(), *TEXTS]
    assert [text for text in pages if translated(text) == text] == []
    assert [item for item in Weakness if as_on_pages(item.value).es == item.value] == []
    assert [reason for reason in USUAL if said(reason).es == reason] == []


def test_a_rollout_is_told_in_the_pages_words() -> None:
    halted = Rollout("9.0.0", RolloutState.HALTED, 1, 0)
    found = StoredRollout(1, halted, "", 0, Why("rolled_back", {"site": "monte", "device": "agent"}))
    answer = {"sentence": "no hello", "sentence_es": "sin saludo"}
    devices = [
        RolloutDevice("monte", "agent", 1, Progress.ROLLED_BACK, "1", 0, None, None, answer),
        RolloutDevice("arroyo", "agent", 0, Progress.CONFIRMED, "2", 0, None, None),
    ]
    told = rollout_text(found, devices)
    assert told.splitlines()[0] == "version 9.0.0: halted, wave 2 of 3"
    assert "  wave 1: 1 confirmed" in told.splitlines()
    assert "  monte/agent: rolled_back (no hello)" in told.splitlines()
    assert told.es.splitlines()[0] == "versión 9.0.0: se detuvo por sí sola, etapa 2 de 3"
    assert "  por qué: monte/agent volvió a la versión anterior." in told.es
    assert "  etapa 1: la usa (1)" in told.es.splitlines()
    assert "  monte/agent: volvió a la anterior por sí sola (sin saludo)" in told.es.splitlines()
