"""Mexico's federal states, and which zone's time each keeps since October 2022.

Ley de los Husos Horarios en los Estados Unidos Mexicanos (DOF 28 October 2022): the zones by state, and the
municipalities at the northern border that keep the time, and the daylight saving, of the neighbour. Codes are those of
INEGI's Marco Geoestadístico.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from aldea.storage.register.sites import folded

CENTRAL, PACIFIC = "America/Mexico_City", "America/Mazatlan"
BORDER_EAST, JUAREZ, OJINAGA = "America/Matamoros", "America/Ciudad_Juarez", "America/Ojinaga"

_NAMES = """
Aguascalientes, Baja California, Baja California Sur, Campeche, Coahuila, Colima, Chiapas, Chihuahua, Ciudad de México,
Durango, Guanajuato, Guerrero, Hidalgo, Jalisco, México, Michoacán, Morelos, Nayarit, Nuevo León, Oaxaca, Puebla,
Querétaro, Quintana Roo, San Luis Potosí, Sinaloa, Sonora, Tabasco, Tamaulipas, Tlaxcala, Veracruz, Yucatán, Zacatecas
"""

STATES: Mapping[str, str] = MappingProxyType(
    {f"{number:02}": name.strip() for number, name in enumerate(_NAMES.split(","), 1)}
)
"""Two-digit code → name."""

_OTHER_NAMES = {
    "estado de mexico": "15",
    "edomex": "15",
    "edo. de mexico": "15",
    "distrito federal": "09",
    "cdmx": "09",
    "coahuila de zaragoza": "05",
    "michoacan de ocampo": "16",
    "queretaro de arteaga": "22",
    "veracruz de ignacio de la llave": "30",
}
_BY_NAME = {folded(name): code for code, name in STATES.items()} | _OTHER_NAMES

_STATE_ZONES = {
    "02": "America/Tijuana",
    "03": PACIFIC,
    "04": "America/Merida",
    "05": "America/Monterrey",
    "08": "America/Chihuahua",
    "10": "America/Monterrey",
    "18": PACIFIC,
    "19": "America/Monterrey",
    "23": "America/Cancun",
    "25": PACIFIC,
    "26": "America/Hermosillo",
    "28": "America/Monterrey",
    "31": "America/Merida",
}

_BORDER: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "05002": ("Acuña", BORDER_EAST),
        "05003": ("Allende", BORDER_EAST),
        "05012": ("Guerrero", BORDER_EAST),
        "05013": ("Hidalgo", BORDER_EAST),
        "05014": ("Jiménez", BORDER_EAST),
        "05019": ("Morelos", BORDER_EAST),
        "05022": ("Nava", BORDER_EAST),
        "05023": ("Ocampo", BORDER_EAST),
        "05025": ("Piedras Negras", BORDER_EAST),
        "05037": ("Villa Unión", BORDER_EAST),
        "05038": ("Zaragoza", BORDER_EAST),
        "08005": ("Ascensión", JUAREZ),
        "08015": ("Coyame del Sotol", OJINAGA),
        "08028": ("Guadalupe", JUAREZ),
        "08035": ("Janos", JUAREZ),
        "08037": ("Juárez", JUAREZ),
        "08042": ("Manuel Benavides", OJINAGA),
        "08052": ("Ojinaga", OJINAGA),
        "08053": ("Praxedis G. Guerrero", JUAREZ),
        "18020": ("Bahía de Banderas", "America/Bahia_Banderas"),
        "19005": ("Anáhuac", BORDER_EAST),
        "28007": ("Camargo", BORDER_EAST),
        "28014": ("Guerrero", BORDER_EAST),
        "28015": ("Gustavo Díaz Ordaz", BORDER_EAST),
        "28022": ("Matamoros", BORDER_EAST),
        "28024": ("Mier", BORDER_EAST),
        "28025": ("Miguel Alemán", BORDER_EAST),
        "28027": ("Nuevo Laredo", BORDER_EAST),
        "28032": ("Reynosa", BORDER_EAST),
        "28033": ("Río Bravo", BORDER_EAST),
        "28040": ("Valle Hermoso", BORDER_EAST),
    }
)
"""Municipalities whose time isn't their state's: code → name and zone."""


@dataclass(frozen=True, slots=True)
class Zones:
    """What a place's time may be: one zone where it is certain."""

    possible: tuple[str, ...]

    @property
    def certain(self) -> str | None:
        """The zone, None where there are several."""
        return self.possible[0] if len(self.possible) == 1 else None


def state_code(name: str) -> str | None:
    """Return the two-digit code of a state by any of its names, None for another text."""
    return _BY_NAME.get(" ".join(folded(name).split()))


def zones_of(state: str | None, inegi_code: str | None, municipality: str | None) -> Zones:
    """Return the possible zones of a place; `state` is a two-digit code, `inegi_code` 5 or 9 digits."""
    if inegi_code is not None:
        return Zones((_of_municipality(inegi_code[:5]),))
    if state is None:
        return Zones(())
    own = _STATE_ZONES.get(state, CENTRAL)
    others = {folded(name): zone for code, (name, zone) in _BORDER.items() if code.startswith(state)}
    if municipality is not None:
        return Zones((others.get(folded(municipality), own),))
    return Zones(tuple(dict.fromkeys((own, *others.values()))))


def same_time(one: str, other: str) -> bool:
    """Whether two zones show the same time all through 2026: then either name does."""
    moments = [datetime(2026, month, 15, 12, tzinfo=UTC) for month in range(1, 13)]
    return all(at.astimezone(ZoneInfo(one)).utcoffset() == at.astimezone(ZoneInfo(other)).utcoffset() for at in moments)


def _of_municipality(code: str) -> str:
    return _BORDER[code][1] if code in _BORDER else _STATE_ZONES.get(code[:2], CENTRAL)
