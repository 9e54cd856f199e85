"""Appropriation: whether people learn to make it theirs."""

from __future__ import annotations

from typing import Final

from aldea.indicators.indicator import PERSON, Indicator, Threshold
from aldea.indicators.methods.cohorts import CohortCompletion
from aldea.indicators.methods.persons import DistinctPersonsPer
from aldea.indicators.terms import Direction, Disclosure, Evidence, SpaceRule, Step, TimeRule, Words

OWN_LIMIT = Words(
    "Propuesta de Aldea para cursos presenciales o mixtos; en autogestivos basta 20.",
    "Aldea's proposal for courses with a teacher; for self-paced ones 20 is enough.",
)

ENTRIES: Final[tuple[Indicator, ...]] = (
    Indicator(
        id="apr_training_reach_per_1000",
        step=Step.APPROPRIATION,
        name=Words("Personas capacitadas por cada mil habitantes", "People trained per 1,000 inhabitants"),
        definition=Words(
            "Personas distintas que asistieron al menos a una sesión (o a una cuarta parte de un curso autogestivo), "
            "por cada mil habitantes de 15 años y más de las localidades atendidas.",
            "Distinct persons who attended at least one session (or a quarter of a self-paced course), for each "
            "thousand inhabitants aged 15 or more of the localities served.",
        ),
        formula=Words(
            "personas distintas ÷ población de 15 años y más · 1000", "distinct persons ÷ population aged 15+ · 1000"
        ),
        numerator=Words("personas capacitadas", "persons trained"),
        denominator=Words("habitantes de 15 años y más", "inhabitants aged 15 or more"),
        unit="per_1000",
        direction=Direction.HIGHER,
        evidence=Evidence.ADMINISTRATIVE,
        method=DistinctPersonsPer(),
        inputs=("records:course", "records:course_session", "records:attendance", "fact:population_15plus"),
        time_rule=TimeRule.DISTINCT,
        space_rule=SpaceRule.DISTINCT,
        method_version="1.1.0",
        source=Words("Aldea; población del censo que registre cada sitio.", "Aldea; the census population on file."),
        marks=PERSON,
        disclosure=Disclosure.SHARE,
    ),
    Indicator(
        id="apr_course_completion_pct",
        step=Step.APPROPRIATION,
        name=Words("Terminación de cursos", "Course completion"),
        definition=Words(
            "De quienes se inscribieron en el periodo y ya cumplieron 90 días, parte que terminó dentro de ese plazo.",
            "Of those who enrolled in the period and whose 90 days are over, the share who finished within them.",
        ),
        formula=Words(
            "terminaciones en 90 días ÷ inscripciones con 90 días cumplidos · 100",
            "completions within 90 days ÷ enrolments whose 90 days are over · 100",
        ),
        numerator=Words("terminaron a tiempo", "finished in time"),
        denominator=Words("inscripciones con 90 días cumplidos", "enrolments whose 90 days are over"),
        unit="percent",
        direction=Direction.HIGHER,
        evidence=Evidence.ADMINISTRATIVE,
        method=CohortCompletion(),
        inputs=("records:course",),
        time_rule=TimeRule.COHORT,
        space_rule=SpaceRule.SUMS,
        method_version="1.0.0",
        source=OWN_LIMIT,
        threshold=Threshold(60, 40, OWN_LIMIT),
        marks=PERSON,
        disclosure=Disclosure.SHARE,
    ),
)
