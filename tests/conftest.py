"""What all tests share: the guard of the namespace, and one real server of each kind for a whole run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from aldea.storage.register import Register, open_register
from registerkit import clean_file, empty, migrate
from rigs import order
from rigs.chromium import running_chromium
from rigs.home import CI_RUN
from rigs.influxdb import InfluxDB
from rigs.mosquitto import Mosquitto
from rigs.postgresql import PostgreSQL
from rigs.snmpd import Snmpd
from rigs.victoriametrics import VictoriaMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent

# No test of a property fails for a slow machine, and every run tells the same stories: what is red once is red again.
# To look for stories that nobody has told yet: --hypothesis-profile=searching (tests/README.md).
_PATIENT = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", _PATIENT, derandomize=True)
settings.register_profile("searching", _PATIENT, derandomize=False)
settings.load_profile("steady")

# Neither the language of whoever runs the tests nor their own Aldea is any concern of a test.
_LANGUAGE = frozenset({"LC_ALL", "LC_MESSAGES", "LANGUAGE"})
_FOR_TESTS = frozenset({CI_RUN, "ALDEA_CLOCK_STORIES", "ALDEA_PROOF_SEED"})


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run where one component would hide all the others; forget whoever runs the tests."""
    del config
    for name in list(os.environ):
        if name in _LANGUAGE or (name.startswith("ALDEA_") and name not in _FOR_TESTS):
            del os.environ[name]
    os.environ["LANG"] = "C.UTF-8"
    strays = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("*/aldea/__init__.py"))
    if strays:
        raise pytest.UsageError(
            f"{', '.join(strays)} must not exist: aldea is a namespace that many folders share, and a file "
            "there hides all of them but one. Delete it."
        )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin first, and no test be lost between the classes."""
    if misplaced := order.misplaced(items):
        raise pytest.UsageError(
            f"{', '.join(misplaced[:5])}: a test is marked either waiting or alone, and its own file says so as "
            "`mark.waiting` or `mark.alone`, by which `make test` finds it. Else it would run twice, or never."
        )
    items.sort(key=lambda item: order.rank(item.path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Say what `-n auto` and `-n logical` mean here, unless the environment does."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else order.workers()


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One mosquitto with stock settings. A test that kills it or wants other settings makes its own."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as server:
        yield server


@pytest.fixture(scope="session")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    """One InfluxDB. Take a database of your own from it, with `create_database`."""
    with InfluxDB(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture(scope="session")
def victoriametrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    """One VictoriaMetrics, shared by all: use names of your own."""
    with VictoriaMetrics(tmp_path_factory.mktemp("victoriametrics")) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One PostgreSQL cluster. Take a database of your own from it, with `create_database`."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_url(postgresql: PostgreSQL) -> str:
    """SQLAlchemy's URL of one database that the whole run shares."""
    return postgresql.create_database("aldea")


@pytest.fixture(scope="session")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """One snmpd that shows this machine as a router would show itself."""
    with Snmpd(tmp_path_factory.mktemp("snmpd")) as server:
        yield server


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    """A clean register, in a file."""
    found = open_register(clean_file(tmp_path))
    yield found
    found.close()


@pytest.fixture(scope="session")
def migrated_database(postgresql: PostgreSQL) -> str:
    """The URL of a migrated register on PostgreSQL, in which tests before may have left rows."""
    return migrate(postgresql.create_database("migrated"))


@pytest.fixture
def clean_database(migrated_database: str) -> str:
    """The URL of a clean register on PostgreSQL."""
    return empty(migrated_database)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def register_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a clean register on SQLite, and on PostgreSQL."""
    if request.param == "sqlite":
        return clean_file(tmp_path)
    found: str = request.getfixturevalue("clean_database")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for a module's tests."""
    with running_chromium() as found:
        yield found
