"""The little that outlives a run: by which plan the villages were made."""

from __future__ import annotations

import json
import os
from pathlib import Path

from aldea.model.said import Said
from aldea.simulator.plan import Plan, plan_ending_at

FILE = "simulated-fleet.json"
VERSION = 1


class StateError(ValueError):
    """The file can't be used; the message says why and what to do."""


def keep_plan(folder: Path, now_ms: int, seed: int | None, days: float) -> Plan:
    """Return the plan kept in `folder`, or make and keep one that ends now. A kept plan's days stay as they are.

    Raises StateError for a file that is not one of ours, or another seed than the kept plan's.
    """
    path = folder / FILE
    if path.exists():
        plan = _read(path)
        if seed is not None and seed != plan.seed:
            raise StateError(
                Said(
                    f"{path} was made with seed {plan.seed}, not {seed}: leave --seed out, or delete the file",
                    f"{path} se hizo con la semilla {plan.seed}, no {seed}: quitar --seed, o borrar el archivo",
                )
            )
        return plan
    plan = plan_ending_at(now_ms, 1 if seed is None else seed, days)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"version": VERSION, "seed": plan.seed, "start_ms": plan.start_ms, "days": plan.days})
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return plan


def _read(path: Path) -> Plan:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["version"] != VERSION:
            raise StateError(
                Said(
                    f"{path} has version {raw['version']}, expected {VERSION}: delete it for a new fleet",
                    f"{path} es de la versión {raw['version']}, se espera {VERSION}: borrarlo para una flota nueva",
                )
            )
        return Plan(int(raw["seed"]), int(raw["start_ms"]), float(raw["days"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, StateError):
            raise
        raise StateError(
            Said(
                f"{path} cannot be read ({error}): delete it to start a new fleet",
                f"{path} no se puede leer ({error}): borrarlo para empezar una flota nueva",
            )
        ) from None
