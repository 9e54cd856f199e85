"""Whose figures somebody may see: a figure tells of every site in it, and of every record of its programme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.visitor import Held, Visitor
from aldea.indicators.terms import Level
from aldea.storage.register.site_places import SitePlace


@dataclass(frozen=True, slots=True)
class Rights:
    """What a visitor's grants cover; `analyst`: may see smaller counts of people."""

    everything: bool
    analyst: bool
    held: Sequence[Held]
    states: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, visitor: Visitor, places: Sequence[SitePlace]) -> Rights:
        """Return the rights of a visitor, given where the sites are."""
        held = tuple(one for one in visitor.held if Permission.VIEW in one.permissions)
        everything = visitor.everywhere(Permission.VIEW)
        analyst = visitor.may(Permission.MANAGE_PROGRAMMES)
        if everything:
            return cls(everything, analyst, held, {})
        states = {(Level.SITE.value, place.site): place.state or "" for place in places}
        states |= {(Level.MUNICIPALITY.value, place.municipality or ""): place.state or "" for place in places}
        states |= {(Level.STATE.value, place.state or ""): place.state or "" for place in places}
        return cls(everything, analyst, held, states)

    def may_see(self, level: str, code: str, programme: str) -> bool:
        """Whether a figure may be seen: one grant must cover its whole area and its programme."""
        if self.everything:
            return True
        region = self.states.get((level, code))
        return any(one.programme in {"", programme} and (not one.region or one.region == region) for one in self.held)

    @property
    def programmes(self) -> frozenset[str] | None:
        """The programmes whose figures may be seen, None for any and all together."""
        if self.everything or any(not one.programme for one in self.held):
            return None
        return frozenset(one.programme for one in self.held)

    @property
    def sentence(self) -> str:
        """What may be asked for instead, in words."""
        wishes = [
            " and ".join(
                part
                for part in (
                    f"programme={one.programme}" if one.programme else "",
                    f"area=state:{one.region}" if one.region else "",
                )
                if part
            )
            for one in self.held
        ]
        return "Your rights cover a part of this figure only: ask with " + ", or with ".join(wishes) + "."
