"""Does what was just measured tell of a change of state? Such rows are sent at once."""

from __future__ import annotations

from collections.abc import Iterable

from aldea.model.sample import Reading, Tags, tags_of

_WATCHED_ROLES = {"gateway", "anchor"}
_BY_FAILURE = {"ping", "dns", "http"}
_MOST_SERIES = 1_000


class ChangeWatch:
    """Remembers each watched thing's state: gateway and anchors reached, names and pages answered, links up, mains."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, Tags], bool] = {}

    def observe(self, readings: Iterable[Reading]) -> bool:
        """Take in `readings`; return whether a state that was known is now another."""
        changed = False
        for reading in readings:
            state = _state(reading)
            if state is None:
                continue
            key = (reading.measurement, tags_of(reading.tags))
            changed = changed or self._states.get(key, state) != state
            if key in self._states or len(self._states) < _MOST_SERIES:
                self._states[key] = state
        return changed


def _state(reading: Reading) -> bool | None:
    """Return whether it works; None for what is not watched, or not known."""
    if reading.measurement == "interfaces":
        up = reading.fields.get("up")
        return up if isinstance(up, bool) else None
    if reading.measurement == "power":
        on_battery = reading.fields.get("on_battery")
        return not on_battery if isinstance(on_battery, bool) else None
    if reading.measurement not in _BY_FAILURE:
        return None
    if reading.measurement == "ping" and reading.tags.get("role") not in _WATCHED_ROLES:
        return None
    return reading.fields.get("failure") is None
