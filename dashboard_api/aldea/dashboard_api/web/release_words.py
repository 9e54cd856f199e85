"""The words for releases and rollouts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aldea.dashboard_api.charts.panels import N_
from aldea.model.rollouts import FIRST_TELLS_NOTHING, NOT_TRUSTED, Progress, RolloutState

STATES: Mapping[RolloutState, str] = MappingProxyType(
    {
        RolloutState.RUNNING: N_("Going out"),
        RolloutState.PAUSED: N_("Paused"),
        RolloutState.HALTED: N_("Halted by itself"),
        RolloutState.STOPPED: N_("Ended early"),
        RolloutState.DONE: N_("Finished"),
    }
)

LOOKS: Mapping[RolloutState, str] = MappingProxyType(
    {
        RolloutState.RUNNING: "up",
        RolloutState.PAUSED: "planned",
        RolloutState.HALTED: "down",
        RolloutState.STOPPED: "off",
        RolloutState.DONE: "up",
    }
)

PROGRESS: Mapping[Progress, str] = MappingProxyType(
    {
        Progress.ASKED: N_("Asked, no answer yet"),
        Progress.FETCHING: N_("Fetching"),
        Progress.TRYING: N_("Trying it"),
        Progress.CONFIRMED: N_("Runs it"),
        Progress.FAILED: N_("Could not"),
        Progress.ROLLED_BACK: N_("Went back by itself"),
        Progress.SILENT: N_("Silent for now, asked again"),
        Progress.LEFT: N_("Left for later"),
        Progress.INCONCLUSIVE: N_("The link failed while it tried"),
        Progress.NO_KEY: N_("Knows no key"),
        Progress.SET_ASIDE: N_("Set aside"),
    }
)

PROGRESS_LOOKS: Mapping[Progress, str] = MappingProxyType(
    {
        Progress.ASKED: "unknown",
        Progress.FETCHING: "suspect",
        Progress.TRYING: "suspect",
        Progress.CONFIRMED: "up",
        Progress.FAILED: "down",
        Progress.ROLLED_BACK: "down",
        Progress.SILENT: "suspect",
        Progress.LEFT: "off",
        Progress.INCONCLUSIVE: "unknown",
        Progress.NO_KEY: "suspect",
        Progress.SET_ASIDE: "off",
    }
)

WHY: Mapping[str, str] = MappingProxyType(
    {
        "failed": N_("%(site)s could not take it. Look at its page; resuming goes on without it."),
        "rolled_back": N_("%(site)s went back to the version before. Look at its page; resuming goes on without it."),
        "silent": N_(
            "Several sites have not been heard since they began with it, %(site)s last: that may be no accident. "
            "Resuming goes on without them; they are asked again once they are back."
        ),
        FIRST_TELLS_NOTHING: N_(
            "%(site)s was to go first and has told nothing of it for three days. Choose another first site, or resume: "
            "then the one that was heard last goes first."
        ),
        NOT_TRUSTED: N_(
            "The key that signed it is not trusted any more, so nobody else is asked. Sign it with one that is, add it "
            "once more and resume; or end it."
        ),
        "away": N_("%(site)s is not heard just now, and nobody else can be asked before it is."),
        "inconclusive": N_(
            "More sites lost their link just while they tried it, %(site)s last, than run it by now: that may be no "
            "accident. Resuming goes on without them; rolling it out once more later asks them again."
        ),
        "under_way": N_("The devices that were asked are at it."),
        "baking": N_("The devices that have it are watched for a while before the next are asked."),
        "not_heard": N_("%(site)s has it and is not heard just now. The next are asked once it is."),
        "nobody_heard": N_("No device that needs it has been heard in the last day."),
        "asked_again": N_(
            "%(site)s has told nothing of it yet, and is asked again a day later; nobody else can be asked."
        ),
        "others_away": N_("All that can be reached have it. Those that are away get it when they come back."),
    }
)

WAVE_NAMES = (N_("First: one site"), N_("Then: ten sites"), N_("Then: all others"))
