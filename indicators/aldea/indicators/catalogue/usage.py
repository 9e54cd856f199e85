"""Usage: whether the connection is used, and for something that matters to the community."""

from __future__ import annotations

from typing import Final

from aldea.indicators.indicator import Indicator, Threshold
from aldea.indicators.methods.assessed import ShareOfAssessedSites
from aldea.indicators.methods.days import ShareOfDays
from aldea.indicators.terms import Direction, Evidence, SpaceRule, Step, TimeRule, Words

OWN_LIMIT = Words("Propuesta de Aldea; ajustable por programa.", "Aldea's proposal; a programme may set its own.")

ENTRIES: Final[tuple[Indicator, ...]] = (
    Indicator(
        id="use_active_days_pct",
        step=Step.USAGE,
        name=Words("Días con uso", "Days with real use"),
        definition=Words(
            "Parte de los días con conteo en que se conectaron al menos tres dispositivos. Dispositivos, no personas.",
            "Share of the days with a count on which at least three devices were connected. Devices, not people.",
        ),
        formula=Words(
            "días con ≥ 3 dispositivos ÷ días con conteo · 100", "days with ≥ 3 devices ÷ days with a count · 100"
        ),
        numerator=Words("días con uso", "days with use"),
        denominator=Words("días con conteo", "days with a count"),
        unit="percent",
        direction=Direction.HIGHER,
        evidence=Evidence.MEASURED,
        method=ShareOfDays(at_least=3),
        inputs=("usage_days", "site_register"),
        time_rule=TimeRule.SUMS,
        space_rule=SpaceRule.SUMS,
        method_version="1.0.0",
        source=OWN_LIMIT,
        threshold=Threshold(80, 50, OWN_LIMIT),
    ),
    Indicator(
        id="use_productive_project_pct",
        step=Step.USAGE,
        name=Words("Sitios con proyecto productivo en uso", "Sites whose chosen project uses the connection"),
        definition=Words(
            "Parte de los sitios evaluados donde el proyecto elegido por la comunidad usó la conexión en los últimos "
            "30 días, verificado por quien facilita.",
            "Share of the sites assessed where the project that the community chose used the connection in the last "
            "30 days, as the facilitator verified.",
        ),
        formula=Words(
            "sitios con proyecto en uso ÷ sitios evaluados · 100", "sites with a project in use ÷ sites assessed · 100"
        ),
        numerator=Words("sitios con proyecto en uso", "sites with a project in use"),
        denominator=Words("sitios evaluados", "sites assessed"),
        unit="percent",
        direction=Direction.HIGHER,
        evidence=Evidence.ADMINISTRATIVE,
        method=ShareOfAssessedSites(form="project_use", flag="used_last_30_days"),
        inputs=("records:project_use",),
        time_rule=TimeRule.SUMS,
        space_rule=SpaceRule.SUMS,
        method_version="1.0.0",
        source=Words(
            "La definición del paso «uso» del programa Aldeas Inteligentes, Bienestar Sostenible.",
            "The definition of the step «use» in the programme Aldeas Inteligentes, Bienestar Sostenible.",
        ),
        threshold=Threshold(75, 50, OWN_LIMIT),
    ),
)
