"""Access: whether there is a connection, and whether it works."""

from __future__ import annotations

from typing import Final

from aldea.indicators.indicator import Indicator, Threshold
from aldea.indicators.methods.time import ShareOfSites, ShareOfTime
from aldea.indicators.terms import Direction, Evidence, SpaceRule, Step, TimeRule, Words

OWN_LIMIT = Words("Propuesta de Aldea; ajustable por programa.", "Aldea's proposal; a programme may set its own.")

ENTRIES: Final[tuple[Indicator, ...]] = (
    Indicator(
        id="acc_sites_operational_pct",
        step=Step.ACCESS,
        name=Words("Sitios en operación", "Sites in operation"),
        definition=Words(
            "Parte de los sitios en servicio que tuvieron conexión al menos la mitad del tiempo del que se sabe algo.",
            "Share of the sites in service that had a connection for at least half of the time anything is known of.",
        ),
        formula=Words(
            "sitios con disponibilidad percibida ≥ 50 % y cobertura ≥ 50 % ÷ sitios en servicio · 100",
            "sites with experienced availability ≥ 50 % and coverage ≥ 50 % ÷ sites in service · 100",
        ),
        numerator=Words("sitios en operación", "sites in operation"),
        denominator=Words("sitios en servicio", "sites in service"),
        unit="percent",
        direction=Direction.HIGHER,
        evidence=Evidence.MEASURED,
        method=ShareOfSites(good=("up",), of=("up", "down", "planned")),
        inputs=("truth", "site_register"),
        time_rule=TimeRule.SUMS,
        space_rule=SpaceRule.SUMS,
        method_version="1.0.0",
        source=OWN_LIMIT,
        threshold=Threshold(95, 85, OWN_LIMIT),
    ),
    Indicator(
        id="acc_availability_total_pct",
        step=Step.ACCESS,
        name=Words("Disponibilidad percibida", "Availability experienced by users"),
        definition=Words(
            "Parte del tiempo conocido en que el sitio tuvo servicio de internet; el mantenimiento cuenta en contra.",
            "Share of the known time in which the site had Internet service; maintenance counts against it.",
        ),
        formula=Words(
            "minutos con servicio ÷ (con servicio + sin servicio + mantenimiento) · 100",
            "minutes up ÷ (up + down + planned) · 100",
        ),
        numerator=Words("minutos con servicio", "minutes with service"),
        denominator=Words("minutos conocidos", "minutes known"),
        unit="percent",
        direction=Direction.HIGHER,
        evidence=Evidence.MEASURED,
        method=ShareOfTime(good=("up",), of=("up", "down", "planned")),
        inputs=("truth", "site_register"),
        time_rule=TimeRule.SUMS,
        space_rule=SpaceRule.SUMS,
        method_version="1.0.0",
        source=OWN_LIMIT,
        threshold=Threshold(99, 95, OWN_LIMIT),
    ),
)
