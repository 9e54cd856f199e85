"""Rollouts: which release goes out, and what people and the rollout itself make of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sqlalchemy import insert, select, update

from aldea.model.rollouts import FIRST_TELLS_NOTHING, Progress, Rollout, RolloutState, Why
from aldea.model.said import Said
from aldea.storage.register.commands import UNHEARD, cancel_command, find_command
from aldea.storage.register.devices import devices_of
from aldea.storage.register.encoding import clean_text
from aldea.storage.register.errors import RegisterConflictError, RegisterError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.releases import find_release
from aldea.storage.register.rollout_devices import device_views, note_progress, rollout_devices
from aldea.storage.register.rollout_rows import RolloutDevice, StoredRollout, stored_of
from aldea.storage.register.sites import find_site
from aldea.storage.register.tables import release, rollout

LONGEST_BAKE_HOURS = 24 * 30
KIND = "upgrade"
"""The commands' kind."""

_OPEN = tuple(state.value for state in RolloutState if not state.is_over)
_ON_RESUMING: Mapping[Progress, Progress] = MappingProxyType(
    {
        Progress.FAILED: Progress.SET_ASIDE,
        Progress.ROLLED_BACK: Progress.SET_ASIDE,
        Progress.INCONCLUSIVE: Progress.SET_ASIDE,
        Progress.SILENT: Progress.LEFT,
    }
)
"""What becomes of devices when a person goes on: those that are silent are asked again once they are back."""


def begin_rollout(
    unit: Unit, version: str, at_ms: int, author: str, *, first_site: str | None = None, bake_hours: float = 24.0
) -> StoredRollout:
    """Begin to roll a release out. Raises UnknownEntryError or RegisterError with a sentence.

    One rollout is under way at a time; one that is paused or halted is.
    """
    if find_release(unit, version) is None:
        raise UnknownEntryError(
            Said(
                f"there is no release {version[:40]!r}: aldea release list shows them all",
                f"no hay ninguna versión {version[:40]!r}: aldea release list muestra todas",
            )
        )
    # Where none is under way there is no row to hold: whoever else begins waits here until we are done.
    unit.connection.execute(select(release.c.version).order_by(release.c.version).with_for_update()).all()
    under_way = open_rollout(unit)
    if under_way is not None:
        going = under_way.rollout.version
        raise RegisterError(
            Said(
                f"version {going} is being rolled out ({under_way.rollout.state.value}): stop that first, or let it "
                "end",
                f"la versión {going} se está distribuyendo: termine eso primero, o espere a que acabe",
            )
        )
    if not 0 <= bake_hours <= LONGEST_BAKE_HOURS:
        raise RegisterError(
            Said(
                f"the hours between waves are 0 to {LONGEST_BAKE_HOURS}, not {bake_hours:g}",
                f"las horas entre grupos van de 0 a {LONGEST_BAKE_HOURS}, no {bake_hours:g}",
            )
        )
    _refuse_first(unit, first_site)
    new = Rollout(version, RolloutState.RUNNING, 0, at_ms, bake_hours, first_site)
    values = {
        "version": version,
        "state": new.state.value,
        "wave": 0,
        "first_site": first_site,
        "bake_hours": bake_hours,
    }
    made = unit.connection.execute(
        insert(rollout)
        .values(**values, author=clean_text(author)[:120], created_ms=at_ms, changed_ms=at_ms, why=None)
        .returning(rollout.c.id)
    ).scalar_one()
    return StoredRollout(made, new, author, at_ms, None)


def open_rollout(unit: Unit) -> StoredRollout | None:
    """Return the rollout that is not over, None where there is none; nobody else can change it before the unit ends."""
    row = unit.connection.execute(select(rollout).where(rollout.c.state.in_(_OPEN)).with_for_update()).first()
    return None if row is None else stored_of(row)


def list_rollouts(unit: Unit, *, limit: int = 20) -> tuple[StoredRollout, ...]:
    """Return rollouts, the newest first."""
    rows = unit.connection.execute(select(rollout).order_by(rollout.c.id.desc()).limit(limit))
    return tuple(stored_of(row) for row in rows)


def change_rollout(unit: Unit, state: RolloutState, at_ms: int, *, seen: str | None = None) -> StoredRollout:
    """Pause, resume or stop the rollout that is under way, as a person wants; return it as it is then.

    Resuming one that has halted sets the devices that were the reason aside, leaves the silent ones for later, and
    waits no more for a first site that told nothing; what went wrong while it was paused halts it then, for nobody was
    told. `seen` is why it had halted (`Why.short`) when that was looked at. Stopping calls those off that have not
    heard of it yet. Raises RegisterError; RegisterConflictError where it has halted for another reason since.
    """
    found = _under_way(unit)
    if state is RolloutState.PAUSED and found.rollout.state is not RolloutState.RUNNING:
        raise RegisterError(
            Said(f"it is {found.rollout.state.value} already", "ya no está en marcha: no hay nada que pausar")
        )
    if state is RolloutState.RUNNING:
        if found.rollout.state is RolloutState.RUNNING:
            raise RegisterError(Said("it is running already", "ya está en marcha"))
        if found.rollout.state is RolloutState.HALTED:
            if seen is not None and found.why is not None and seen != found.why.short:
                raise RegisterConflictError(
                    Said(
                        "it has halted for another reason meanwhile: look at it again",
                        "mientras tanto se detuvo por otra razón: hay que verla primero",
                    )
                )
            _go_on(unit, found, at_ms)
    if state is RolloutState.STOPPED:
        call_off(unit, found, at_ms)
    keep_step(unit, found.id, state, found.rollout.wave, None, at_ms)
    return next(item for item in list_rollouts(unit) if item.id == found.id)


def choose_first(unit: Unit, first_site: str | None, at_ms: int) -> StoredRollout:
    """Choose which site goes first (None: the one that was heard last) while no site has taken the release yet.

    Others that were asked and have not heard of it are called off and left for later; what has begun goes on to its
    end. One that has halted since its first site told nothing goes on. Raises UnknownEntryError or RegisterError.
    """
    found = _under_way(unit)
    asked = rollout_devices(unit, found.id)
    if is_taken(found, asked):
        raise RegisterError(Said("a site has taken it already", "un sitio ya la tiene"))
    _refuse_first(unit, first_site)
    for item in asked:
        if item.site != first_site and _call_off(unit, item, at_ms):
            note_progress(unit, found.id, (item.site, item.device), Progress.LEFT, at_ms, item.detail)
    unit.connection.execute(update(rollout).where(rollout.c.id == found.id).values(first_site=first_site))
    waited = found.why is not None and found.why.word == FIRST_TELLS_NOTHING
    if found.rollout.state is RolloutState.HALTED and waited:
        keep_step(unit, found.id, RolloutState.RUNNING, 0, None, at_ms)
    return next(item for item in list_rollouts(unit) if item.id == found.id)


def is_taken(found: StoredRollout, asked: Iterable[RolloutDevice]) -> bool:
    """Say whether a site has the release already: then it is too late to choose which goes first."""
    return found.rollout.wave > 0 or any(item.progress is Progress.CONFIRMED for item in asked)


def _under_way(unit: Unit) -> StoredRollout:
    found = open_rollout(unit)
    if found is None:
        raise RegisterError(Said("no release is being rolled out", "no se está distribuyendo ninguna versión"))
    return found


def _refuse_first(unit: Unit, first_site: str | None) -> None:
    if first_site is None:
        return
    found = find_site(unit, first_site)
    if found is None or found.simulated:
        raise UnknownEntryError(
            Said(f"there is no real site {first_site[:60]!r}", f"no hay ningún sitio real {first_site[:60]!r}")
        )
    if not any(item.kind == "agent" and item.retired_at_ms is None for item in devices_of(unit, first_site)):
        raise RegisterError(
            Said(
                f"site {first_site!r} has no agent that could go first: enrol one, or choose another site",
                f"el sitio {first_site!r} no tiene un agente que pueda ir primero: hay que inscribir uno, o elegir "
                "otro sitio",
            )
        )


def _go_on(unit: Unit, found: StoredRollout, at_ms: int) -> None:
    """Go on without those for whose sake it has halted; a box that was replaced since is asked as any other."""
    replaced = {view.key for view in device_views(unit, found.id) if view.progress is None}
    for item in rollout_devices(unit, found.id):
        becomes = _ON_RESUMING.get(item.progress)
        if becomes is not None and (item.site, item.device) not in replaced:
            note_progress(unit, found.id, (item.site, item.device), becomes, at_ms, item.detail)
    if found.why is not None and found.why.word == FIRST_TELLS_NOTHING:
        unit.connection.execute(update(rollout).where(rollout.c.id == found.id).values(first_site=None))


def call_off(unit: Unit, found: StoredRollout, at_ms: int) -> None:
    """Cancel what the devices of a rollout were asked and have not heard yet; what they have begun they end."""
    for item in rollout_devices(unit, found.id):
        _call_off(unit, item, at_ms)


def _call_off(unit: Unit, item: RolloutDevice, at_ms: int) -> bool:
    """Cancel what a device was asked and has not heard yet, and say whether; what it has begun it ends."""
    if not item.progress.is_under_way and item.progress is not Progress.LEFT:
        return False
    asked = find_command(unit, item.command)
    if asked is None or asked.state not in UNHEARD:
        return False
    cancel_command(unit, item.command, at_ms)
    return True


def keep_step(unit: Unit, number: int, state: RolloutState, wave: int, why: Why | None, at_ms: int) -> None:
    """Keep where a rollout stands, and why it waits or has halted."""
    said = None if why is None else {"word": why.word, "about": dict(why.about)}
    new = {"state": state.value, "wave": wave, "why": said, "changed_ms": at_ms}
    unit.connection.execute(update(rollout).where(rollout.c.id == number).values(**new))
