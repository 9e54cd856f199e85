"""Reasons in words, in the languages that messages and pages have. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from aldea.alert_rules.rule import Reason

LANGUAGES = ("es", "en")
NAMES_SHOWN = 12

# Spanish first, English second. Values of the reason are put in by name; `…_ms` as local time, `…_seconds` as a span.
TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "silent": (
            "No llega nada desde {heard_ms} (hace {silent_seconds}); el agente envía cada {send_seconds}.",
            "Nothing has arrived since {heard_ms} ({silent_seconds} ago); its agent sends every {send_seconds}.",
        ),
        "not_back_after_opening": (
            "El sitio abrió {opened_ms} y sigue sin enviar; lo último llegó {heard_ms}.",
            "The site opened {opened_ms} and has sent nothing since; the last arrived {heard_ms}.",
        ),
        "heard": ("Volvió a enviar {heard_ms}.", "It has been sending again since {heard_ms}."),
        "loss": (
            "Se pierde {loss_ratio} de los paquetes ({received} de {sent} contestados en {window_seconds}).",
            "{loss_ratio} of the packets are lost ({received} of {sent} answered within {window_seconds}).",
        ),
        "little_loss": (
            "La pérdida bajó a {loss_ratio} en {window_seconds}.",
            "The loss fell to {loss_ratio} within {window_seconds}.",
        ),
        "flapping": (
            "La conexión va y viene: cambió de estado una y otra vez en las últimas ventanas de {window_seconds}.",
            "The connection comes and goes: it changed again and again in the latest windows of {window_seconds}.",
        ),
        "common_fault": (
            "{count} sitios dejaron de enviar casi a la vez y comparten {by}: {value}.",
            "{count} sites fell silent at nearly the same time and share the {by}: {value}.",
        ),
        "all_back": ("Todos los sitios del grupo volvieron.", "All the sites of the group are back."),
        "collector": (
            "El colector {collector} no está en condiciones de recibir: {problem}.",
            "The collector {collector} is in no state to receive: {problem}.",
        ),
        "many_at_once": (
            "{count} de {expected} sitios sin nada en común callaron a la vez: la falla parece nuestra.",
            "{count} of {expected} sites with nothing in common fell silent at once: the fault seems ours.",
        ),
        "all_at_once": (
            "Los {count} sitios callaron a la vez: falla nuestra (servidor, broker, enlace) o de lo que comparten.",
            "All {count} sites fell silent at once: a fault of ours (server, broker, uplink) or of what all share.",
        ),
        "platform_well": ("La plataforma vuelve a recibir.", "The platform receives again."),
        "no_longer_watched": (
            "El sitio ya no se vigila (estado: {state}).",
            "The site is no longer watched (state: {state}).",
        ),
        "rule_removed": ("La regla ya no está en el archivo de reglas.", "The rule is no longer in the rules file."),
        "was_up": (
            "El sitio estuvo en servicio todo el tiempo: lo que falló fue nuestra plataforma.",
            "The site was in service all the time: what failed was our platform.",
        ),
        "settled": (
            "Según lo que el sitio registró, estuvo {down_seconds} sin servicio; causa: {cause}.",
            "By what the site recorded it was out of service for {down_seconds}; cause: {cause}.",
        ),
        "settled_unknown": (
            "No hay registros de ese tiempo: corte de luz o agente desconectado.",
            "There are no records of that time: a power cut, or the agent was unplugged.",
        ),
        "settled_deaf": (
            "De ese tiempo no se sabe nada: nuestros propios colectores no estaban.",
            "Nothing is known of that time: our own collectors were away.",
        ),
        "settled_planned": ("Fue un mantenimiento programado.", "It was planned maintenance."),
        "settled_off": (
            "El sitio estaba apagado por estar cerrado.",
            "The site was switched off because it was closed.",
        ),
    }
)

WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "provider": ("proveedor", "provider"),
        "upstream": ("enlace superior", "upstream"),
        "power_region": ("zona eléctrica", "power region"),
        "state_name": ("estado", "state"),
        "disconnected": ("no tiene conexión con el broker", "it has no connection to the broker"),
        "stale": ("no informa desde {since_ms}", "it has not reported since {since_ms}"),
        "behind": ("lo que recibe no llega al registro", "what it receives does not reach the register"),
        "power": ("energía", "power"),
        "backhaul": ("enlace del sitio", "backhaul"),
        "site_lan": ("red local", "site network"),
        "device": ("equipo", "device"),
        "shared_upstream": ("enlace compartido", "shared upstream"),
        "account": ("cuenta con el proveedor", "account with the provider"),
        "platform": ("nuestra plataforma", "our platform"),
        "planned": ("mantenimiento programado", "planned maintenance"),
        "unknown": ("desconocida", "unknown"),
    }
)
_WORD_FIELDS = ("by", "problem", "cause")


def sentence(reason: Reason, language: str, zone: str = "UTC") -> str:
    """Return a reason as a sentence in `es` or `en`, times in the IANA zone `zone`."""
    place = 1 if language == "en" else 0
    found = TEXTS.get(reason.code)
    if found is None:
        return reason.code
    shown = {name: _shown(name, value, place, zone) for name, value in reason.values.items()}
    for name in _WORD_FIELDS:
        if name in shown:
            shown[name] = shown[name].format_map(shown)
    return found[place].format_map(shown)


def sentences(reason: Reason, zone: str = "UTC") -> dict[str, str]:
    """Return a reason in every language, by the language's code."""
    return {language: sentence(reason, language, zone) for language in LANGUAGES}


def span(seconds: float) -> str:
    """Return a length of time in the two largest of d, h, min and s, the same in both languages."""
    left = max(0, round(seconds))
    parts = []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def names(sites: Sequence[str]) -> str:
    """Return a list of sites, shortened where it is long."""
    rest = len(sites) - NAMES_SHOWN
    return ", ".join(sites[:NAMES_SHOWN]) + (f" +{rest}" if rest > 0 else "")


def _shown(name: str, value: Any, place: int, zone: str) -> str:
    if name.endswith("_ms") and isinstance(value, int):
        when = datetime.fromtimestamp(value / 1000, ZoneInfo(zone))
        return f"{when:%Y-%m-%d %H:%M}" if place else f"el {when:%Y-%m-%d %H:%M}"
    if name.endswith("_seconds") and isinstance(value, int | float):
        return span(value)
    if name.endswith("_ratio") and isinstance(value, int | float):
        return f"{value * 100:.0f} %"
    if name in _WORD_FIELDS and value in WORDS:
        return WORDS[value][place]
    return str(value)
