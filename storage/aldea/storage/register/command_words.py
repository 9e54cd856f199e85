"""Why a command cannot be asked for or stopped, in both languages."""

from __future__ import annotations

from aldea.model.said import Said


def of_another(command_id: str) -> Said:
    """Return why: a command's id is taken."""
    return Said(
        f"the command {command_id[:64]!r} is of another device or kind: choose another id",
        f"la orden {command_id[:64]!r} es de otro equipo o de otro tipo: hay que elegir otra clave",
    )


def too_large(site: str, device: str, size: int, most: int) -> Said:
    """Return why: a command is too large. Which device it is for: it may be one of many."""
    return Said(
        f"the command for {site}/{device} has {size} bytes, a device takes {most}: send less at once",
        f"la orden para {site}/{device} tiene {size} bytes y un equipo recibe {most}: hay que enviar menos a la vez",
    )


def bad_names() -> Said:
    """Return why: a command's id or kind cannot be."""
    return Said(
        "a command's id has 1 to 64 characters and its kind 1 to 40",
        "la clave de una orden tiene de 1 a 64 caracteres y su tipo de 1 a 40",
    )


def no_command(command_id: str) -> Said:
    """Return why: there is no such command."""
    return Said(
        f"there is no command {command_id[:64]!r}: look for it in the device's list",
        f"no hay ninguna orden {command_id[:64]!r}: buscarla en la lista del equipo",
    )


def no_device(site: str, device: str) -> Said:
    """Return why: a site has no such device."""
    return Said(
        f"site {site[:60]!r} has no device {device[:60]!r}: enrol it first",
        f"el sitio {site[:60]!r} no tiene el equipo {device[:60]!r}: primero hay que inscribirlo",
    )


def simulated(site: str) -> Said:
    """Return why: a simulated site takes no commands."""
    return Said(
        f"site {site!r} is simulated: there is no box to command",
        f"el sitio {site!r} es simulado: no hay equipo al cual pedirle algo",
    )


def retired(site: str, device: str) -> Said:
    """Return why: a retired device takes no commands."""
    return Said(
        f"device {device!r} of site {site!r} is retired: it takes no commands",
        f"el equipo {device!r} del sitio {site!r} está retirado: no recibe órdenes",
    )


def bad_end() -> Said:
    """Return why: a command cannot end then."""
    return Said(
        "a command must end later than now, and within 90 days",
        "una orden debe vencer después de ahora, y dentro de 90 días",
    )


def too_many(waiting: int, site: str, device: str) -> Said:
    """Return why: no more commands may wait."""
    return Said(
        f"{waiting} commands wait for {site}/{device} already: cancel some first",
        f"ya esperan {waiting} órdenes para {site}/{device}: primero hay que cancelar algunas",
    )


def no_answer(state: str) -> Said:
    """Return why: a device can't say that of a command."""
    return Said(
        f"state {state[:40]!r} is none that a device may answer",
        f"el estado {state[:40]!r} no es uno que un equipo pueda responder",
    )


def never_given(site: str, device: str, command_id: str) -> Said:
    """Return why: a device has answered a command of nobody's."""
    return Said(
        f"{site}/{device} answers a command {command_id[:64]!r} that it was never given",
        f"{site}/{device} responde a una orden {command_id[:64]!r} que nunca se le dio",
    )
