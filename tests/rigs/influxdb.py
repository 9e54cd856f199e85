"""A real InfluxDB 1.x behind an nginx that gives it the 2.x address for writes."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from rigs.processes import LOOPBACK, ServerProcess, find_program, free_port

if TYPE_CHECKING:
    from pathlib import Path

_INFLUXD_CONFIG = """\
reporting-disabled = true
bind-address = "{host}:{rpc_port}"
[meta]
dir = "{folder}/meta"
logging-enabled = false
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[subscriber]
enabled = false
[http]
bind-address = "{host}:{port}"
log-enabled = false
[logging]
level = "warn"
suppress-logo = true
"""

_NGINX_CONFIG = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_max_body_size 64m;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  upstream influxd {{ server {host}:{port}; keepalive 16; }}
  proxy_http_version 1.1;
  # What is written passes through as it comes: a file of the proxy's in between would be measured with it.
  proxy_request_buffering off;
  client_body_buffer_size 1m;
  proxy_set_header Connection "";
  # InfluxDB 2.x writes ns, us, ms and s where 1.x reads n, u, ms and s.
  map $arg_precision $old_precision {{ ns n; us u; ms ms; s s; default n; }}
  server {{
    listen {host}:{front_port};
    location = /api/v2/write {{
      proxy_pass http://influxd/write?db=$arg_bucket&precision=$old_precision;
    }}
    location = /health {{ proxy_pass http://influxd/ping; }}
    location / {{ proxy_pass http://influxd; }}
  }}
}}
"""


class InfluxDB:
    """Debian's influxd and nginx. `url` serves `/api/v2/write`, `/query`, `/ping` and `/health`.

    `stop()` and `start()` are the database's: its data stays, and nginx answers 502 meanwhile. `direct_url`
    is influxd itself. `close()` ends both.
    """

    def __init__(self, folder: Path) -> None:
        influxd = find_program("influxd", "influxdb")
        nginx = find_program("nginx", "nginx-light")
        folder.mkdir(parents=True, exist_ok=True)
        port, front_port = free_port(), free_port()
        self.url = f"http://{LOOPBACK}:{front_port}"
        self.direct_url = f"http://{LOOPBACK}:{port}"
        values = {
            "host": LOOPBACK,
            "folder": folder.resolve(),
            "port": port,
            "front_port": front_port,
            "rpc_port": free_port(),
        }
        config, front_config = folder / "influxdb.conf", folder / "nginx.conf"
        config.write_text(_INFLUXD_CONFIG.format(**values), encoding="utf-8")
        front_config.write_text(_NGINX_CONFIG.format(**values), encoding="utf-8")
        environment = {"HOME": str(folder)}
        self.process = ServerProcess(
            "influxd", [influxd, "-config", str(config)], folder / "influxd.log", environment=environment
        )
        self._front = ServerProcess(
            "nginx",
            [nginx, "-p", str(folder), "-e", "stderr", "-c", str(front_config)],
            folder / "nginx.log",
        )

    def start(self) -> Self:
        """Start what is not running, and wait until it answers through nginx."""
        if not self.process.is_running():
            self.process.start(lambda: _status(self.direct_url + "/ping") == 204)
        if not self._front.is_running():
            self._front.start(lambda: _status(self.url + "/ping") == 204)
        return self

    def stop(self) -> None:
        """End the database in good order; nginx stays and answers 502."""
        self.process.stop()

    def kill(self) -> None:
        """SIGKILL the database; nginx stays and answers 502."""
        self.process.kill()

    def close(self) -> None:
        """End both."""
        self._front.stop()
        self.process.stop()

    def create_database(self, name: str) -> str:
        """Make an empty database (a bucket, to a 2.x client), dropping an old one, and return its name."""
        self.query(f'DROP DATABASE "{name}"')
        self.query(f'CREATE DATABASE "{name}"')
        return name

    def query(self, text: str, database: str = "") -> list[dict[str, Any]]:
        """Run InfluxQL and return the series of its first statement: name, columns, values (times in ns)."""
        body = urllib.parse.urlencode({"q": text, "db": database, "epoch": "ns"}).encode()
        with urllib.request.urlopen(f"{self.url}/query", data=body, timeout=60) as response:
            result = json.load(response)["results"][0]
        if "error" in result:
            raise AssertionError(result["error"])
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, http.client.HTTPException):
        return 0
