"""On which addresses the pages may be served: before there is an administrator, for this machine alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.dashboard_api.server import CannotServe
from aldea.model.checks import is_loopback
from aldea.model.said import Said
from aldea.storage.register.people import has_administrator

if TYPE_CHECKING:
    from aldea.storage.register import Register


def check_address(register: Register, host: str) -> None:
    """Raise CannotServe when `host` can be reached by others and nobody has set up accounts yet."""
    if is_loopback(host):
        return
    with register.reading() as unit:
        ready = has_administrator(unit)
    if not ready:
        raise CannotServe(
            Said(
                f"on {host} others could reach the pages, and there is no administrator yet: start on 127.0.0.1 and "
                "open /setup there, or run `aldea user add NAME --name NAME --role admin`, then start again",
                f"en {host} otros podrían llegar a las páginas, y todavía no hay quien administre: arrancar en "
                "127.0.0.1 y abrir ahí /setup, o ejecutar `aldea user add NOMBRE --name NOMBRE --role admin`, y "
                "arrancar otra vez",
            )
        )
