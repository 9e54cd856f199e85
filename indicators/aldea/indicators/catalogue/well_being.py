"""Well-being: whether life is better for it."""

from __future__ import annotations

from typing import Final

from aldea.indicators.indicator import PERSON, SEX, Indicator, Variant
from aldea.indicators.methods.businesses import ShareImproved
from aldea.indicators.methods.events import MeanPerEvent
from aldea.indicators.terms import Direction, Disclosure, Evidence, SpaceRule, Step, TimeRule, Words

CRITERIA = ("sales", "profit", "customers", "bookkeeping", "new_product")

ENTRIES: Final[tuple[Indicator, ...]] = (
    Indicator(
        id="wel_travel_avoided_hours",
        step=Step.WELL_BEING,
        name=Words("Horas de traslado evitadas por servicio", "Travel time avoided per digital service"),
        definition=Words(
            "Horas de ida y vuelta que se ahorró quien recibió un servicio asistido en el sitio, en promedio; "
            "cuentan también los servicios que no evitaron ningún viaje.",
            "Hours of travel, door to door, that a person helped at the site did not have to spend, on average; "
            "services that spared no trip count too.",
        ),
        formula=Words("horas evitadas ÷ servicios asistidos", "hours avoided ÷ assisted services"),
        numerator=Words("horas de traslado evitadas", "hours of travel avoided"),
        denominator=Words("servicios asistidos", "assisted services"),
        unit="hours",
        direction=Direction.HIGHER,
        evidence=Evidence.SELF_REPORT,
        method=MeanPerEvent(form="service", items="services", quantity="travel_hours_avoided"),
        inputs=("records:service",),
        time_rule=TimeRule.SUMS,
        space_rule=SpaceRule.SUMS,
        method_version="1.0.0",
        source=Words("Aldea; lo dice la persona atendida.", "Aldea; as the person served says."),
        marks=PERSON,
        disclosure=Disclosure.RATE,
    ),
    Indicator(
        id="wel_business_improved_pct",
        step=Step.WELL_BEING,
        name=Words("Negocios que mejoraron", "Businesses improved"),
        definition=Words(
            "Parte de los negocios que respondieron el seguimiento a los 6 o 12 meses y mejoraron en ventas, ganancia, "
            "clientela, registro de cuentas o producto nuevo. Lo dicho y lo verificado son series aparte.",
            "Share of the businesses that answered the follow-up at 6 or 12 months and improved in sales, profit, "
            "customers, bookkeeping or a new product. What is said and what is verified are separate series.",
        ),
        formula=Words(
            "negocios con al menos una mejora ÷ negocios que respondieron · 100",
            "businesses with at least one improvement ÷ businesses that answered · 100",
        ),
        numerator=Words("negocios que mejoraron", "businesses improved"),
        denominator=Words("negocios que respondieron", "businesses that answered"),
        unit="percent",
        direction=Direction.HIGHER,
        evidence=Evidence.SELF_REPORT,
        method=ShareImproved(CRITERIA),
        inputs=("records:business_follow_up", "records:business_support"),
        time_rule=TimeRule.WAVE,
        space_rule=SpaceRule.SUMS,
        method_version="1.0.0",
        source=Words(
            "Aldea; sin grupo de comparación es un cambio, nunca un efecto.",
            "Aldea; without a group to compare with it is a change, never an effect.",
        ),
        marks={**SEX, "wave": ("6", "12")},
        disclosure=Disclosure.SHARE,
        survey=True,
        variants=(Variant(Evidence.ASSESSED, ShareImproved(CRITERIA, evidence="assessed")),),
    ),
)
