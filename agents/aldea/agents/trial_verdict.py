"""Whose fault was it that nobody was heard: of what was on trial, or of the link? Pure: no I/O, no clock.

Settings and releases are tried in the same way. What is on trial is given up when the collector does not say hello in
its time, and what ran before runs again. That it was at fault is known only once the collector *is* heard with what ran
before, in the same time, and only where there was a link while it was tried. Where it is not, the trial told of the
link alone: the same is tried again once the collector has been heard, a few times at the most. A link that is lost for
a part of the trial, or a collector that is away for just its time, looks like a fault all the same, but hardly twice:
what ran and was not heard is blamed only after a second trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aldea.agents.words import Words

MOST_TRIES = 3
"""So often the same is tried, as long as its trials tell nothing."""
BLAMED_AFTER = 2
"""So often it has been tried when it is said to be at fault, unless it ended by itself."""


class Verdict(StrEnum):
    """What is known of something that was given up since nobody was heard with it."""

    OPEN = "open"
    """What ran before has not been heard yet."""
    AT_FAULT = "at_fault"
    """What ran before was heard in time, there was a link during the trial, and it was not the first: the end."""
    TRY_AGAIN = "try_again"
    """It may have been the link, and what ran before is heard now: it is to be tried once more."""
    INCONCLUSIVE = "inconclusive"
    """As before, and it was tried often enough. The end, which says that nobody knows."""

    @property
    def is_over(self) -> bool:
        """Whether it is not tried again."""
        return self in {Verdict.AT_FAULT, Verdict.INCONCLUSIVE}


@dataclass(frozen=True, slots=True)
class GivenUp:
    """That nobody was heard with it, and what ran before runs again.

    `at_ms` of time since boot in the boot `boot_id` is when that was so; `patience_ms` the time that what was on trial
    was given, and what ran before gets as well; `tries` how often it was tried by now. `had_its_time` is False where
    the power went each time before it could be heard, and `had_link` where the broker from before could not be reached
    for long enough meanwhile either: then nobody knows of a fault, whoever is heard afterwards. `ended_itself`: it was
    not silent, but kept ending, which is no link's fault.
    """

    boot_id: str
    at_ms: int
    patience_ms: int
    tries: int = 1
    had_its_time: bool = True
    had_link: bool = True
    ended_itself: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether it is blamed as soon as what ran before is heard in time: it cannot have been bad luck alone."""
        return self.ended_itself or self.tries >= BLAMED_AFTER


def judged(given_up: GivenUp, boot_id: str, mono_ms: int, *, heard: bool) -> Verdict:
    """Return what is known at `mono_ms` of time since boot, `heard` when what ran before has a hello by now.

    After another boot nobody knows how long it took: that counts as too long. Keep a verdict that is not OPEN: it would
    be another one later.
    """
    if not heard:
        return Verdict.OPEN
    in_time = given_up.boot_id == boot_id and mono_ms - given_up.at_ms <= given_up.patience_ms
    if given_up.is_sure and in_time and given_up.had_its_time and given_up.had_link:
        return Verdict.AT_FAULT
    return Verdict.TRY_AGAIN if given_up.tries < MOST_TRIES else Verdict.INCONCLUSIVE


def settling_ms(patience_ms: int) -> int:
    """Return how long the collector is to be heard without a break before the next try.

    A link that flutters would spend the tries, and what the server has to say by now may take the place of it.
    """
    return min(60_000, patience_ms // 10)


def link_words(given_up: GivenUp) -> Words:
    """Return why it is not known whose fault it was, as the rest of a sentence that says that it was given up."""
    if not given_up.had_its_time:
        return Words(
            "the power went each time before the server could be heard, so nobody knows where the fault was",
            "la corriente se fue cada vez antes de oír al servidor, así que no se sabe dónde estuvo la falla",
        )
    if not given_up.had_link:
        return Words(
            "meanwhile the server could not be reached for long enough, not even where it was before, so it may have "
            "been the link",
            "mientras tanto no se alcanzó al servidor el tiempo suficiente, tampoco donde estaba antes, así que pudo "
            "ser el enlace",
        )
    if not given_up.is_sure:
        return Words(
            "it may have been the link, or a server that was away just then",
            "pudo ser el enlace, o un servidor que justo entonces no estaba",
        )
    return Words(
        "with what was there before the server was not heard in the same time either, so it may have been the link",
        "con lo anterior tampoco se oyó al servidor en ese tiempo, así que pudo ser el enlace",
    )


def verdict_words(verdict: Verdict, given_up: GivenUp) -> Words:
    """Return what a verdict means for what was given up; empty where there is nothing to add."""
    why = link_words(given_up)
    if verdict is Verdict.TRY_AGAIN:
        number = f"{given_up.tries + 1}"
        return Words(
            f"inconclusive: {why.en}; another try follows by itself ({number} of {MOST_TRIES})",
            f"sin conclusión: {why.es}; sigue otro intento por sí solo ({number} de {MOST_TRIES})",
        )
    if verdict is Verdict.INCONCLUSIVE:
        return Words(
            f"inconclusive after {given_up.tries} tries: {why.en}; send it again to try once more",
            f"sin conclusión después de {given_up.tries} intentos: {why.es}; puede enviarse otra vez",
        )
    return Words("", "")
