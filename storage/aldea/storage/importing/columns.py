"""The columns of the table of sites: their names in both languages, and what belongs in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aldea.storage.register.sites import folded


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `key` is its English name and what a row's value is kept under; `aliases` are other headings."""

    key: str
    spanish: str
    example: str
    help_en: str
    help_es: str
    aliases: tuple[str, ...] = ()
    required: bool = False


COLUMNS: tuple[Column, ...] = (
    Column(
        "id",
        "clave",
        "isla-arena",
        "Short and lasting: 1 to 39 of a-z, 0-9 and -. Importing the same id again updates the site.",
        "Corta y duradera: de 1 a 39 de a-z, 0-9 y -. Importar de nuevo la misma clave actualiza el sitio.",
        ("site", "site_id", "id del sitio", "identificador"),
        required=True,
    ),
    Column(
        "name",
        "nombre",
        "Isla Arena",
        "What people call the site.",
        "Como la gente llama al sitio.",
        ("sitio", "nombre del sitio"),
        required=True,
    ),
    Column(
        "state",
        "estado",
        "Campeche",
        "Federal state.",
        "Entidad federativa.",
        ("state_name", "entidad", "entidad federativa"),
    ),
    Column("municipality", "municipio", "Calkiní", "Municipality.", "Municipio.", ("alcaldia",)),
    Column("locality", "localidad", "Isla Arena", "Locality.", "Localidad.", ("comunidad", "pueblo")),
    Column(
        "inegi_code",
        "clave_inegi",
        "040010018",
        "Code of the municipality (5 digits) or the locality (9). Format the column as text: Excel drops a first zero.",
        "Clave del municipio (5 dígitos) o de la localidad (9). Dé formato de texto a la columna: Excel quita el "
        "primer cero.",
        ("inegi", "inegi code", "clave de localidad", "cvegeo"),
    ),
    Column(
        "timezone",
        "zona_horaria",
        "",
        "IANA name. May stay empty where state and municipality, or the INEGI code, tell it.",
        "Nombre IANA. Puede quedar vacía si el estado y el municipio, o la clave INEGI, la determinan.",
        ("time zone", "huso", "huso horario"),
    ),
    Column("latitude", "latitud", "20.69", "Degrees, WGS 84.", "Grados, WGS 84.", ("lat",)),
    Column(
        "longitude",
        "longitud",
        "-90.45",
        "Degrees, WGS 84: negative in Mexico.",
        "Grados, WGS 84: negativa en México.",
        ("lon", "lng", "long"),
    ),
    Column(
        "commissioned",
        "puesta_en_marcha",
        "2026-03-01",
        "Date from which the site counts. Empty: the day from which the import holds.",
        "Fecha desde la que cuenta el sitio. Vacía: el día desde el que vale la importación.",
        ("commissioned date", "commissioned_on", "fecha de inicio", "inicio"),
    ),
    Column("provider", "proveedor", "Proveedor A", "Who sells the connection.", "Quién vende la conexión.", ("isp",)),
    Column(
        "technology",
        "tecnologia",
        "geo",
        "geo, meo, leo, terrestrial, mobile or fibre.",
        "geo, meo, leo, terrestrial, mobile o fibre.",
    ),
    Column(
        "contracted_down_mbps",
        "bajada_mbps",
        "25",
        "Contracted download, Mbit/s.",
        "Bajada contratada, Mbit/s.",
        ("download_mbps", "velocidad de bajada"),
    ),
    Column(
        "contracted_up_mbps",
        "subida_mbps",
        "3",
        "Contracted upload, Mbit/s.",
        "Subida contratada, Mbit/s.",
        ("upload_mbps", "velocidad de subida"),
    ),
    Column(
        "contracted_volume_gb",
        "volumen_gb",
        "100",
        "Contracted volume a month, GB (10^9 bytes).",
        "Volumen contratado al mes, GB (10^9 bytes).",
        ("volume_gb", "datos_gb"),
    ),
    Column(
        "programme",
        "programa",
        "aldeas-inteligentes",
        "Ids of the programmes it belongs to, with ; between several.",
        "Claves de los programas a los que pertenece, con ; entre varias.",
        ("program", "programmes", "programas"),
    ),
    Column(
        "organisation",
        "organizacion",
        "",
        "Who runs the site.",
        "Quién opera el sitio.",
        ("organization",),
    ),
    Column(
        "site_kind",
        "tipo_de_sitio",
        "school",
        "School, library, community centre …",
        "Escuela, biblioteca, centro comunitario …",
        ("kind", "tipo"),
    ),
    Column("population", "poblacion", "790", "Inhabitants of the locality.", "Habitantes de la localidad."),
    Column(
        "population_15plus",
        "poblacion_15_y_mas",
        "560",
        "Of these, aged 15 or more.",
        "De ellos, de 15 años o más.",
        ("population 15+", "poblacion 15+"),
    ),
    Column(
        "opening_hours",
        "horario",
        "mon-fri 09:00-18:00, sat 09:00-14:00",
        "Weekdays and hours in local time; days not named are closed.",
        "Días y horas locales, por ejemplo: lun-vie 09:00-18:00, sáb 09:00-14:00; los demás días está cerrado.",
        ("hours", "opening hours", "horarios"),
    ),
    Column(
        "silence_means",
        "apagado_al_cerrar",
        "",
        "yes: the site is switched off outside its opening hours, so that its silence is no fault then.",
        "sí: el sitio se apaga fuera de su horario, así que su silencio entonces no es una falla.",
        ("off_when_closed",),
    ),
    Column(
        "power_region",
        "region_electrica",
        "campeche-norte",
        "Sites with the same value lose power together.",
        "Los sitios con el mismo valor se quedan sin luz juntos.",
    ),
    Column(
        "upstream",
        "enlace_comun",
        "",
        "Gateway, teleport or mast that sites share.",
        "Telepuerto, torre o nodo que los sitios comparten.",
    ),
    Column(
        "responsible",
        "responsable",
        "",
        "Ids of the people to be told, with ; between several.",
        "Claves de las personas a quienes avisar, con ; entre varias.",
        ("responsibles", "responsables"),
    ),
    Column("address", "direccion", "", "How to get there.", "Cómo llegar."),
    Column(
        "urban",
        "urbano",
        "",
        "yes: in a town, and kept out of rural figures.",
        "sí: está en una ciudad y no entra en cifras rurales.",
    ),
)

BY_KEY: Mapping[str, Column] = MappingProxyType({column.key: column for column in COLUMNS})


def heading_key(text: str) -> str:
    """Return a heading as it is compared: lower case, no accents, _ and spaces alike."""
    return " ".join(folded(text).replace("_", " ").replace("*", " ").split())


_BY_HEADING: Mapping[str, str] = MappingProxyType(
    {heading_key(name): column.key for column in COLUMNS for name in (column.key, column.spanish, *column.aliases)}
)


def column_of(heading: str) -> str | None:
    """Return the key of the column with this heading, in either language; None for one that isn't ours.

    A heading such as `x_solar_panels` is a fact of the user's own and its own key.
    """
    compared = heading_key(heading)
    own = compared.replace(" ", "_")
    return _BY_HEADING.get(compared) or (own if own.startswith("x_") and own[2:].replace("_", "").isalnum() else None)


def headings() -> list[str]:
    """Return every heading in both languages, for a "did you mean"."""
    return [name for column in COLUMNS for name in (column.key, column.spanish)]
