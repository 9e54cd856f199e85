"""Every worked example whose method is there gives the number that was worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from aldea.indicators import statistics as stats
from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.cell import Cell
from aldea.indicators.compute import compute
from aldea.indicators.duties import Duties
from aldea.indicators.methods.cohorts import completion
from aldea.indicators.methods.days import MeanOverDays
from aldea.indicators.methods.method import ratio, share_of_persons
from aldea.indicators.methods.time import ShareOfTime, site_share
from aldea.indicators.periods import Month
from aldea.indicators.publishing import judged
from aldea.indicators.segments import segments_of
from aldea.indicators.terms import Evidence
from aldea.model.counters import counter_delta
from indicators.world import (
    AFTER_JUNE,
    JUNE,
    Entry,
    Memory,
    course,
    days,
    june_starts,
    make_site,
    minutes,
    person,
    pick,
)

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("indicator_vectors.json").read_text())

NOT_YET = {
    "acc_affordability_pct",
    "apr_basic_digital_skills_pct",
    "apr_entrepreneurs_supported_n",
    "composite/site_A",
    "composite/site_B",
    "composite/site_C",
    "privacy/device_token",
    "wel_thriving_pct",
    "wel_who5/person",
    "wel_who5_change",
    "wel_who5_mean",
}
"""Examples of methods that are not built. This list only ever shrinks."""

Answer = dict[str, Any]


def operational(given: Mapping[str, Any]) -> Answer:
    known = given["operational"] + given["known_not_operational"]
    active = given["sites_active"]
    found = site_share(given["operational"], known, active, sites_reporting=known, sites_expected=active)
    assert found.bounds is not None
    return {"value": found.value, "bound_low": found.bounds[0], "bound_high": found.bounds[1]}


def cell_of(memory: Memory) -> Cell:
    (site,) = memory.places
    segments = segments_of(site, JUNE, AFTER_JUNE, memory.truth, memory.usage)
    return Cell(JUNE, "", segments, memory.entries, Duties(), date(2025, 7, 20), open=False)


def availability(given: Mapping[str, Any]) -> Answer:
    spent = {state: length for state, length in given["minutes"].items() if state != "unknown"}
    memory = Memory([make_site("a")], minutes("a", june_starts(), **spent))
    found = ShareOfTime(("up",), ("up", "down")).figure(cell_of(memory))
    assert found.bounds is not None
    assert found.coverage_ratio is not None
    return {
        "value": found.value,
        "coverage": found.coverage_ratio * 100,
        "bound_low": found.bounds[0],
        "bound_high": found.bounds[1],
    }


def devices_mean(given: Mapping[str, Any]) -> Answer:
    counts = given["daily_unique"]
    since, until = june_starts(), june_starts() + len(counts) * 86_400_000
    memory = Memory([make_site("a", since_ms=since, until_ms=until)], usage=days("a", date(2025, 6, 1), counts))
    found = MeanOverDays().figure(cell_of(memory))
    assert found.coverage_ratio is not None
    status, _ = judged(found, Evidence.MEASURED, open_period=False)
    return {"value": found.value, "coverage": found.coverage_ratio * 100, "status": status.value}


def compliance(given: Mapping[str, Any]) -> Answer:
    tests = given["tests_mbps"]
    value = ratio(sum(speed >= 0.8 * given["committed_mbps"] for speed in tests), len(tests), 100)
    assert value is not None
    return {"value": value, "compliant": value >= 80}


def loss(given: Mapping[str, Any]) -> Answer:
    rates = [lost / sent for lost, sent in zip(given["lost"], given["sent"], strict=True)]
    return {
        "value": ratio(sum(given["lost"]), sum(given["sent"]), 100),
        "wrong_mean_of_rates": 100 * sum(rates) / len(rates),
    }


def counter(given: Mapping[str, Any]) -> Answer:
    return {"bytes": sum(counter_delta(before, now)[0] for before, now in pairwise(given["counter"]))}


def proportion(given: Mapping[str, Any]) -> Answer:
    found = share_of_persons(given["x"], given["n"], given["n"])
    assert found.ci95 is not None
    exact = [100 * end for end in stats.clopper_pearson(given["x"], given["n"])]
    return {"value": found.value, "wilson95": list(found.ci95), "clopper_pearson95": exact}


def parity(given: Mapping[str, Any]) -> Answer:
    return {"value": given["f_users"] / given["f_n"] / (given["m_users"] / given["m_n"])}


def reach(given: Mapping[str, Any]) -> Answer:
    distinct, again = given["distinct_trained"], given["enrolments"] - given["distinct_trained"]
    site = make_site("a", population_15plus=given["population_15plus"])
    entries = [
        course("a", date(2025, 6, 3), [person(f"p{number}") for number in range(distinct)]),
        course("a", date(2025, 6, 20), [person(f"p{number}") for number in range(again)]),
    ]
    values = compute(Memory([site], entries=entries), JUNE, simulated=False, at_ms=AFTER_JUNE)
    return {"value": pick(values, "apr_training_reach_per_1000").value}


def cohort(given: Mapping[str, Any]) -> Answer:
    enrolled, waiting, done = given["enrolments"], given["not_yet_matured"], given["completions_matured"]
    found = completion(enrolled, waiting, done)
    begun = date(2025, 6, 2)
    people = [
        person(f"p{number}", enrolled=begun, completed=begun + timedelta(days=30) if number < done else None)
        for number in range(enrolled - waiting)
    ]
    people += [person(f"late{number}", enrolled=date(2025, 6, 29)) for number in range(waiting)]
    september = june_starts() + 92 * 86_400_000
    values = compute(
        Memory([make_site("a")], entries=[course("a", begun, people)]), JUNE, simulated=False, at_ms=september
    )
    published = pick(values, "apr_course_completion_pct")
    assert (published.value, published.status) == (found.value, "P")
    return {"value": published.value, "wrong_without_cohort": 100 * done / enrolled}


def local_resolution(given: Mapping[str, Any]) -> Answer:
    return {"value": ratio(given["closed_locally"], given["closed"], 100)}


def improved(given: Mapping[str, Any]) -> Answer:
    yes, answered, supported = given["improved"], given["answered"], given["supported"]
    answers = [
        {"code": f"b{number}", "answered": number < answered, "sales": number < yes} for number in range(supported)
    ]
    followed = Entry(
        "a", "business_follow_up", date(2025, 6, 9), {"evidence": "self_report", "wave": "6", "answers": answers}
    )
    values = compute(Memory([make_site("a")], entries=[followed]), JUNE, simulated=False, at_ms=AFTER_JUNE)
    found = pick(values, "wel_business_improved_pct")
    assert found.bounds is not None
    assert found.ci95 is not None
    return {
        "value": found.value,
        "wilson95": list(found.ci95),
        "clopper_pearson95": [100 * end for end in stats.clopper_pearson(yes, answered)],
        "nonresponse_bound_low": found.bounds[0],
        "nonresponse_bound_high": found.bounds[1],
    }


def ecommerce(given: Mapping[str, Any]) -> Answer:
    assert share_of_persons(given["x"], given["n"], given["supported"]).coverage_ratio == 0.88
    return proportion(given)


def travel(given: Mapping[str, Any]) -> Answer:
    services = [{"kind": "egov", "travel_hours_avoided": hours} for hours in given["hours"]]
    entry = Entry("a", "service", date(2025, 6, 9), {"services": services})
    values = compute(Memory([make_site("a")], entries=[entry]), JUNE, simulated=False, at_ms=AFTER_JUNE)
    return {"value": pick(values, "wel_travel_avoided_hours").value}


def stratified(given: Mapping[str, Any]) -> Answer:
    strata = [stats.Stratum(part["pop"], part["n"], part["x"]) for part in given["strata"]]
    found = stats.post_stratified(strata)
    return {
        "value": 100 * found.value,
        "se_pp": 100 * found.standard_error,
        "n_eff": found.effective_n,
        "wilson95": [100 * end for end in found.wilson95],
        "wrong_pooled": ratio(sum(part.yes for part in strata), sum(part.n for part in strata), 100),
    }


def gate(given: Mapping[str, Any]) -> Answer:
    found = stats.reliability(given["x"] / given["n"], given["n"])
    decision = "show" if found.shown else f"suppress {found.reason}"
    return {"decision": decision, "width": found.width, "relative": found.relative}


HELD: Mapping[str, Callable[[Mapping[str, Any]], Answer]] = {
    "acc_availability_pct": availability,
    "acc_packet_loss_pct": loss,
    "acc_sites_operational_pct": operational,
    "acc_speed_8080_mbps/area": lambda given: {"value": stats.reached_by(given["site_values"], 80)},
    "acc_speed_compliance_pct": compliance,
    "apr_course_completion_pct": cohort,
    "apr_ecommerce_adoption_pct": ecommerce,
    "apr_local_resolution_pct": local_resolution,
    "apr_training_reach_per_1000": reach,
    "apr_transformative_services_pct": proportion,
    "reliability/nchs": gate,
    "survey/post_stratified": stratified,
    "use_active_devices_daily_mean": devices_mean,
    "use_gender_parity_ratio": parity,
    "use_internet_users_pct": proportion,
    "use_meaningful_connectivity_pct": proportion,
    "use_traffic/counter": counter,
    "use_traffic_mb_per_device_day": lambda given: {"value": ratio(given["bytes"], given["device_days"], 1e-6)},
    "use_uplink_utilisation_p95_pct": lambda given: {"value": stats.percentile(given["samples_pct"], 95)},
    "wel_business_improved_pct": improved,
    "wel_online_harm_pct": proportion,
    "wel_travel_avoided_hours": travel,
}


def test_every_example_is_either_held_or_named_as_not_yet() -> None:
    named = {vector["indicator"] for vector in VECTORS}
    assert set(HELD) | NOT_YET == named
    assert not set(HELD) & NOT_YET
    assert not NOT_YET & set(CATALOGUE)


@pytest.mark.parametrize(
    "vector", [one for one in VECTORS if one["indicator"] in HELD], ids=lambda vector: str(vector["indicator"])
)
def test_an_example_comes_out_as_it_was_worked_out_by_hand(vector: dict[str, Any]) -> None:
    found = HELD[vector["indicator"]](vector["inputs"])
    assert set(found) == set(vector["expected"])
    for name, expected in vector["expected"].items():
        if isinstance(expected, bool | str):
            assert found[name] == expected
        else:
            assert found[name] == pytest.approx(expected, abs=6e-5), name


def test_examples_of_the_text() -> None:
    known = {"up": 41_000, "down": 960, "planned": 240}
    first = Memory([make_site("a"), make_site("b")], minutes("a", june_starts(), **known))
    first.truth += minutes("b", june_starts(), up=43_000, down=100, planned=100)
    values = compute(first, JUNE, simulated=False, at_ms=AFTER_JUNE)
    assert pick(values, "acc_availability_total_pct", "site:a").value == pytest.approx(97.1564, abs=5e-5)
    assert stats.wilson(0, 12)[1] == pytest.approx(0.242494, abs=5e-7)
    assert list(stats.clopper_pearson(0, 12)) == [0.0, pytest.approx(0.264648, abs=5e-7)]
    assert stats.reliability(10 / 40, 40).shown
    assert stats.reached_by([12, 18, 22, 25, 30, 31, 33, 40, 41, 48], 80) == 22
    withheld = Memory([make_site("a")], minutes("a", june_starts(), up=20_000, down=1_000))
    figure = pick(compute(withheld, JUNE, simulated=False, at_ms=AFTER_JUNE), "acc_availability_total_pct")
    assert (figure.value, figure.status) == (None, "O")
    assert figure.coverage == pytest.approx(48.6111, abs=5e-5)
    assert list(figure.bounds or ()) == [pytest.approx(46.2963, abs=5e-5), pytest.approx(97.6852, abs=5e-5)]
    used = [0, 2, 3, 5, 8, 10, 3, 0, 4, 6, None, 7]
    since, until = june_starts(), june_starts() + 12 * 86_400_000
    counted = Memory([make_site("a", since_ms=since, until_ms=until)], usage=days("a", date(2025, 6, 1), used))
    active = pick(compute(counted, JUNE, simulated=False, at_ms=AFTER_JUNE), "use_active_days_pct")
    assert (active.numerator, active.denominator, active.shown) == (8, 11, "72.7")
    assert Month(2025, 6).shifted(-6) == Month(2024, 12)
