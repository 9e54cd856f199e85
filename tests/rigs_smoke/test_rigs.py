"""The servers that tests rely on are real, and behave as the tests assume."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from paho.mqtt.enums import CallbackAPIVersion

from rigs import order
from rigs.influxdb import InfluxDB
from rigs.mosquitto import Mosquitto
from rigs.postgresql import PostgreSQL
from rigs.processes import RigError, find_program, port_answers
from rigs.snmpd import Snmpd
from rigs.victoriametrics import VictoriaMetrics


def write(url: str, bucket: str, line: bytes, precision: str) -> None:
    with InfluxDBClient(url=url, token="", org="") as client:
        client.write_api(write_options=SYNCHRONOUS).write(bucket=bucket, record=line, write_precision=precision)


def test_mosquitto_comes_back_on_its_port_after_a_kill(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        port, first = broker.port, broker.process.pid
        broker.kill()
        assert not broker.accepts_clients()
        broker.start()
        assert broker.accepts_clients()
        assert (broker.port, broker.process.pid != first) == (port, True)
    assert not port_answers(port)


def test_mosquitto_takes_extra_settings(tmp_path: Path) -> None:
    """With a queue of 5, a subscriber that is away finds 5 of 50 messages."""
    with Mosquitto(tmp_path, ["max_queued_messages 5", "max_inflight_messages 1"]) as broker:
        received: list[bytes] = []
        done = threading.Event()

        def client(name: str, *, clean: bool) -> mqtt.Client:
            made = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean)
            made.connect(broker.host, broker.port)
            return made

        away = client("away", clean=False)

        def on_subscribe(*_: object) -> None:
            away.disconnect()

        away.on_subscribe = on_subscribe
        away.subscribe("queue", 1)
        away.loop_forever()

        sender = client("sender", clean=True)
        sender.loop_start()
        for number in range(50):
            sender.publish("queue", str(number), 1).wait_for_publish(60)
        sender.disconnect()
        sender.loop_stop()

        back = client("away", clean=False)

        def on_message(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
            received.append(bytes(message.payload))
            if message.payload == b"end":
                done.set()

        back.on_message = on_message
        back.loop_start()
        end = client("end", clean=True)
        end.loop_start()
        while not done.wait(0.1):
            end.publish("queue", "end", 1).wait_for_publish(60)
        for made in (back, end):
            made.disconnect()
            made.loop_stop()
    assert 1 <= len([payload for payload in received if payload != b"end"]) <= 6


@pytest.mark.parametrize(
    ("precision", "time", "nanoseconds"),
    [
        ("ns", 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        ("us", 1_700_000_000_123_456, 1_700_000_000_123_456_000),
        ("ms", 1_700_000_000_123, 1_700_000_000_123_000_000),
        ("s", 1_700_000_000, 1_700_000_000_000_000_000),
    ],
)
def test_a_2x_client_writes_to_influxdb_and_influxql_reads_it_back(
    influxdb: InfluxDB, precision: str, time: int, nanoseconds: int
) -> None:
    bucket = influxdb.create_database("smoke")
    write(influxdb.url, bucket, f"ping,site=a-site rtt_avg_seconds=0.25 {time}".encode(), precision)
    (series,) = influxdb.query('SELECT "rtt_avg_seconds", "site" FROM "ping"', bucket)
    assert series["values"] == [[nanoseconds, 0.25, "a-site"]]


def test_influxdb_refuses_what_is_not_line_protocol(influxdb: InfluxDB) -> None:
    bucket = influxdb.create_database("smoke")
    with pytest.raises(Exception, match="unable to parse"):
        write(influxdb.url, bucket, b"ping,site=a-site rtt_avg_seconds= 1", "ns")


def test_influxdb_keeps_its_data_over_a_stop_and_answers_502_meanwhile(tmp_path: Path) -> None:
    with InfluxDB(tmp_path) as server:
        bucket = server.create_database("kept")
        write(server.url, bucket, b"ping,site=a-site sent=3i 1", "ns")
        server.stop()
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{server.url}/ping", timeout=5)
        assert refused.value.code == 502
        refused.value.close()
        server.start()
        (series,) = server.query('SELECT "sent" FROM "ping"', bucket)
        assert series["values"] == [[1, 3]]


def test_a_2x_client_writes_to_victoriametrics_as_it_is(victoriametrics: VictoriaMetrics) -> None:
    write(victoriametrics.url, "any", b"ping,site=smoke rtt_avg_seconds=0.25 1700000000123", "ms")
    (series,) = victoriametrics.export('{site="smoke"}')
    assert series["metric"]["__name__"] == "ping_rtt_avg_seconds"
    assert (series["values"], series["timestamps"]) == ([0.25], [1_700_000_000_123])


def test_postgresql_takes_sql_in_a_database_of_its_own(postgresql: PostgreSQL, postgresql_url: str) -> None:
    assert postgresql_url.startswith("postgresql+psycopg://")
    address = postgresql.create_database("smoke").replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        row = connection.execute("SELECT current_database(), current_setting('data_directory')").fetchone()
    assert row == ("smoke", str(postgresql.folder / "cluster"))


def test_snmpd_shows_the_system_and_its_interfaces(snmpd: Snmpd) -> None:
    walk = [
        *(find_program("snmpwalk", "snmp"), "-v2c", "-On", "-m", "", "-c", snmpd.community),
        f"udp:{snmpd.host}:{snmpd.port}",
    ]
    name = subprocess.run([*walk, "1.3.6.1.2.1.1.5"], capture_output=True, text=True, check=True, timeout=60)
    assert "test-router" in name.stdout
    octets = subprocess.run([*walk, "1.3.6.1.2.1.31.1.1.1.6"], capture_output=True, text=True, check=True, timeout=60)
    assert "Counter64" in octets.stdout


def test_a_missing_server_is_named_with_its_package() -> None:
    with pytest.raises(RigError, match=re.escape("nosuchd is not installed: run make test, or apt-get")):
        find_program("nosuchd", "nosuch")


def test_a_server_that_will_not_start_shows_its_log(tmp_path: Path) -> None:
    with pytest.raises(RigError, match=r"mosquitto ended with .*\n.*Unknown configuration variable"):
        Mosquitto(tmp_path, ["nonsense 1"]).start()


def test_a_stray_package_file_in_the_namespace_stops_the_run(tmp_path: Path) -> None:
    source = Path(__file__).resolve().parent.parent
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text((source / "conftest.py").read_text("utf-8"), "utf-8")
    stray = tmp_path / "model" / "aldea" / "__init__.py"
    stray.parent.mkdir(parents=True)
    stray.touch()
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "/dev/null", "-o", f"pythonpath={source}", "tests"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "model/aldea/__init__.py must not exist" in run.stderr


def test_a_test_that_would_run_twice_or_never_stops_the_run(tmp_path: Path) -> None:
    source = Path(__file__).resolve().parent.parent
    (tmp_path / "conftest.py").write_text((source / "conftest.py").read_text("utf-8"), "utf-8")
    body = "def test_it(): pass\n"
    for name, text in {
        "never": f"import pytest\npytestmark = getattr(pytest.mark, 'al' + 'one')\n{body}",
        "twice": f"import pytest\npytestmark = [pytest.mark.waiting, pytest.mark.alone]\n{body}",
        "once": f"import pytest\npytestmark = [pytest.mark.waiting]\n{body}",
        "ever": body,
    }.items():
        (tmp_path / f"test_{name}.py").write_text(text)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "/dev/null", "-o", f"pythonpath={source}", "-m", "waiting", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == pytest.ExitCode.USAGE_ERROR, run.stdout + run.stderr
    assert "test_never.py::test_it, test_twice.py::test_it: a test is marked either" in run.stderr


def test_make_test_runs_the_tests_of_each_class_and_all_others() -> None:
    """Whoever adds a class names it in `order.CLASSES`, so that no test of it is lost."""
    lines = (Path(__file__).parents[2] / "Makefile").read_text("utf-8").splitlines()
    ran = [line for line in lines if "-m pytest" in line]
    others, *by_class = (line.rpartition(" -m ")[2] for line in ran)
    assert others == '"' + " and ".join(f"not {name}" for name in order.CLASSES) + '"'
    assert by_class == [rf"{name} $$(grep -rl --include='test_*.py' 'mark\.{name}' tests)" for name in order.CLASSES]


def test_a_port_is_given_to_one_process_alone_until_it_ends() -> None:
    takes = (
        "import sys; from rigs.processes import free_port; "
        "print(*[free_port() for _ in range(300)], flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", takes]
    here = Path(__file__).parent.parent
    taking = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=here) for _ in range(3)]
    given: list[bytes] = []
    for process in taking:
        assert process.stdout is not None
        given += process.stdout.readline().split()
    for process in taking:
        process.communicate()
    assert len(set(given)) == len(given) == 900
