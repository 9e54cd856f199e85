"""A store from its URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from aldea.model.said import Said
from aldea.model.series import SeriesStore
from aldea.storage.series.sqlite.store import SqliteSeriesStore

if TYPE_CHECKING:
    from aldea.storage.series.influx.server import Address

_FORMS = "sqlite:///path/series.db or influxdb+http://[token@ or user:password@]host:port/database"
_FORMS_ES = "sqlite:///ruta/series.db o influxdb+http://[ficha@ o usuario:contraseña@]host:puerto/base"
_SCHEMES = {"influxdb+http": "http", "influxdb+https": "https"}
_OPTIONS = frozenset(("org", "gzip", "timeout"))
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def open_series_store(url: str) -> SeriesStore:
    """Open the series store that `url` names.

    - `sqlite:///relative/series.db`, `sqlite:////absolute/series.db`: a file, made when it is missing.
    - `influxdb+http://host:8086/database` or `influxdb+https://...`: an InfluxDB 1.x, 2.x or 3.x. What stands
      before `@` is a token, or `user:password` (special characters as %XX). Options behind `?`: `org=NAME`
      (2.x), `gzip=0` or `1` (default: 1 unless the server is on this machine), `timeout=SECONDS` (default 30).

    Raises ValueError with a sentence for a URL that is none of these, StoreUnavailable for a file that does
    not open. A server is first spoken to when it is used.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return SqliteSeriesStore(_file(parts))
    if parts.scheme in _SCHEMES:
        # Its client is slow to load, and an Aldea with embedded parts never needs it.
        from aldea.storage.series.influx.store import InfluxSeriesStore  # noqa: PLC0415 - see above

        return InfluxSeriesStore(influx_address(parts))
    raise ValueError(
        Said(
            f"the series store's URL begins with {parts.scheme or 'nothing'!r}: write {_FORMS}",
            f"la URL del almacén de series empieza con {parts.scheme or 'nada'!r}: escribir {_FORMS_ES}",
        )
    )


def _file(parts: SplitResult) -> Path:
    if parts.netloc or len(parts.path) < 2 or parts.query:
        raise ValueError(
            Said(
                "the series store's URL must be sqlite:/// and a path, as in sqlite:///data/series.db, or"
                " sqlite:////var/lib/aldea/series.db for a path from the root",
                "la URL del almacén de series debe ser sqlite:/// y una ruta, como sqlite:///data/series.db, o"
                " sqlite:////var/lib/aldea/series.db para una ruta desde la raíz",
            )
        )
    return Path(unquote(parts.path[1:]))


def influx_address(parts: SplitResult) -> Address:
    """Read an InfluxDB URL. Raises ValueError; no sentence repeats the token or the password."""
    options = parse_qs(parts.query, keep_blank_values=True)
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise ValueError(
            Said(
                f"the series store's URL has the unknown option {unknown[0]!r}: use org, gzip, timeout",
                f"la URL del almacén de series tiene la opción desconocida {unknown[0]!r}: usar org, gzip, timeout",
            )
        )
    database = unquote(parts.path.strip("/"))
    try:
        port = parts.port
    except ValueError:
        raise ValueError(
            Said(
                "the port in the series store's URL is not a number from 0 to 65535",
                "el puerto en la URL del almacén de series no es un número de 0 a 65535",
            )
        ) from None
    if not parts.hostname or not database or "/" in database:
        raise ValueError(
            Said(
                f"the series store's URL must name a host and one database: {_FORMS}",
                f"la URL del almacén de series debe nombrar un host y una base de datos: {_FORMS_ES}",
            )
        )
    from aldea.storage.series.influx.server import Address  # noqa: PLC0415 - as above

    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    name, password = unquote(parts.username or ""), parts.password
    return Address(
        url=f"{_SCHEMES[parts.scheme]}://{host}" + (f":{port}" if port else ""),
        database=database,
        org=options.get("org", [""])[-1],
        token=name if password is None else "",
        user=name if password is not None else "",
        password=unquote(password or ""),
        gzip=_flag(options.get("gzip", ["0" if parts.hostname in _LOOPBACK else "1"])[-1]),
        timeout_seconds=_seconds(options.get("timeout", ["30"])[-1]),
    )


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(
            Said(
                f"gzip is {text!r} in the series store's URL: write 0 or 1",
                f"gzip es {text!r} en la URL del almacén de series: escribir 0 o 1",
            )
        )
    return text == "1"


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 3600:
        raise ValueError(
            Said(
                f"timeout is {text!r} in the series store's URL: write seconds, as in timeout=30",
                f"timeout es {text!r} en la URL del almacén de series: escribir segundos, como timeout=30",
            )
        )
    return seconds
