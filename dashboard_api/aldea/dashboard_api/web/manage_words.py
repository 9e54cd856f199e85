"""Words of the pages on which sites are managed: the labels of their facts, and the states they can be in."""

from __future__ import annotations

from collections.abc import Mapping

from aldea.dashboard_api.charts.panels import N_
from aldea.storage.register.real_start import Phase
from aldea.storage.register.sites import SiteState

LABELS: Mapping[str, str] = {
    "id": N_("Id"),
    "name": N_("Name"),
    "state": N_("State"),
    "municipality": N_("Municipality"),
    "locality": N_("Locality"),
    "inegi_code": N_("INEGI code"),
    "timezone": N_("Time zone"),
    "latitude": N_("Latitude"),
    "longitude": N_("Longitude"),
    "commissioned": N_("In operation since"),
    "provider": N_("Provider"),
    "technology": N_("Technology"),
    "contracted_down_mbps": N_("Contracted download (Mbit/s)"),
    "contracted_up_mbps": N_("Contracted upload (Mbit/s)"),
    "contracted_volume_gb": N_("Contracted volume a month (GB)"),
    "programme": N_("Programmes"),
    "organisation": N_("Organisation"),
    "site_kind": N_("Kind of site"),
    "population": N_("Population"),
    "population_15plus": N_("Population aged 15 or more"),
    "opening_hours": N_("Opening hours"),
    "silence_means": N_("Switched off when closed"),
    "power_region": N_("Power region"),
    "upstream": N_("Shared upstream"),
    "responsible": N_("Responsible people"),
    "address": N_("How to get there"),
    "urban": N_("Urban"),
}
"""Column → what people call it."""

FACT_LABELS: Mapping[str, str] = {
    "state_name": LABELS["state"],
    "place": N_("Place on the map"),
    "contracted_volume_bytes": N_("Contracted volume a month (bytes)"),
    **LABELS,
}

STATES: Mapping[SiteState, str] = {
    SiteState.PLANNED: N_("Planned"),
    SiteState.COMMISSIONED: N_("In operation"),
    SiteState.SUSPENDED: N_("Suspended"),
    SiteState.MOVED: N_("Moved away"),
    SiteState.CLOSED: N_("Closed"),
}

PHASES: Mapping[Phase, str] = {
    Phase.ASKED: N_("Asked for; the server takes it up within seconds."),
    Phase.STOPPING: N_("The simulated fleet is being stopped."),
    Phase.FORGETTING: N_("The broker forgets the simulated villages."),
    Phase.DRAINING: N_("What was on its way is being put away."),
    Phase.REMOVING: N_("Simulated sites and what they measured are being removed."),
    Phase.SWEEPING: N_("Stragglers are being removed."),
    Phase.DONE: N_("Done: nothing simulated is left."),
    Phase.FAILED: N_("It did not work; nothing real was touched. Look at the server's log, then start again."),
}
