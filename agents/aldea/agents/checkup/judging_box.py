"""Power, the box itself, and its clock."""

from __future__ import annotations

from aldea.agents.checkup.evidence import Box, Evidence
from aldea.agents.checkup.verdict import Verdict, ok, unknown, wrong
from aldea.agents.page.words import say

LEAST_FREE_BYTES = 50_000_000
FULL_RATIO = 0.98
MEMORY_FULL_RATIO = 0.97
HOT_CELSIUS = 82.0


def judge_power(found: Evidence) -> Verdict | None:
    """Judge what the sources of power say; the box itself only knows that it runs."""
    if found.power is None or found.box is None:
        return None
    if found.box.undervoltage:
        return wrong(
            say("The box gets too little voltage: its power adapter or the cable is too weak."),
            say("Change the box's power adapter and its cable for the original ones."),
            say("Plug it straight into the wall, not into another device."),
            bring=say("a power adapter made for this box (5 V, 3 A)"),
        )
    answers = [reading for reading in found.power if isinstance(reading.fields.get("on_battery"), bool)]
    if any(reading.fields["on_battery"] for reading in answers):
        return wrong(
            say("There is no mains power: the site runs on its battery."),
            say("See whether the neighbours have power. If they do, look at the breaker and the plug of the UPS."),
            say("If nobody has power: call the power company, and switch off what is not needed."),
            bring=say("a tester, fuses, the power company's number"),
        )
    if answers:
        return ok(say("Mains power is there."))
    if found.power:
        return unknown(say("What measures the power does not answer."), say("See whether the UPS shines."))
    return unknown(
        say("The box has power; nothing here measures the power of the other devices."),
        say("See whether the lights of router, antenna and modem shine."),
    )


def judge_box(found: Evidence) -> Verdict | None:
    """Judge the box: its data folder, disk, memory and heat."""
    box = found.box
    if box is None:
        return None
    unwritable = _unwritable(box)
    if unwritable is not None:
        return unwritable
    if box.can_be_copied:
        fine = unknown(say("The box works, but nothing tells it from a copy of its disk: never copy it."))
    else:
        fine = ok(say("The box works, and has room."))
    return _strained(box) or fine


def _unwritable(box: Box) -> Verdict | None:
    """Judge whether what is measured can be kept. A full disk is told from a broken one: it needs no new card."""
    error = box.folder_error
    if _is_full(box):
        free = box.host.fields.get("disk_free_bytes")
        return wrong(
            say("The box's disk is full: %(n)d MB are free.", n=free // 1_000_000)
            if isinstance(free, int) and free < LEAST_FREE_BYTES
            else say("The box's disk is full: it takes nothing more."),
            say("Restart the box once: that clears what is only there for a while."),
            say("If it stays so, tell whoever looks after the boxes: something fills the disk that is not ours."),
            bring=say("a larger memory card with the system on it"),
        )
    if error is not None and error.is_refused:
        return wrong(
            say("Whoever checks may not write to the box's data folder: %(folder)s.", folder=error.folder),
            say("At a terminal: check as root, by sudo aldea-agent doctor"),
            say("If it stays so, tell whoever looks after the boxes: the folder belongs to another user."),
        )
    if error is not None:
        what = say("the disk can only be read") if error.is_read_only else error.said
        return wrong(
            say("The box cannot write to its data folder: %(folder)s: %(error)s.", folder=error.folder, error=what),
            say("Restart the box once. If it stays so, the memory card is worn out: change it."),
            bring=say("a new memory card with the system on it"),
        )
    if box.trouble is not None:
        return wrong(
            say("The box cannot keep what it measures: %(error)s.", error=box.trouble),
            say("Restart the box once. If it stays so, tell whoever looks after the boxes, with these words."),
            bring=say("a new memory card with the system on it"),
        )
    return None


def _is_full(box: Box) -> bool:
    free, used = box.host.fields.get("disk_free_bytes"), box.host.fields.get("disk_used_ratio")
    if box.folder_error is not None:
        return box.folder_error.is_full
    return isinstance(free, int) and isinstance(used, float) and (free < LEAST_FREE_BYTES or used > FULL_RATIO)


def _strained(box: Box) -> Verdict | None:
    memory, celsius = box.host.fields.get("memory_used_ratio"), box.host.fields.get("temperature_celsius")
    if isinstance(celsius, float) and celsius > HOT_CELSIUS:
        return wrong(
            say("The box is too hot: %(n)d °C.", n=round(celsius)),
            say("Put it in the shade, out of closed cabinets, and clear its vents."),
        )
    if isinstance(memory, float) and memory > MEMORY_FULL_RATIO:
        return wrong(
            say("The box's memory is full."),
            say("Restart the box. If it comes back, tell whoever looks after the boxes."),
        )
    return None


def judge_clock(found: Evidence) -> Verdict | None:
    """Judge the clock: one that is wrong hurts no measurement, so it is never the reason for a visit."""
    if found.box is None:
        return None
    clock = found.box.host.fields.get("clock")
    if clock == "ntp":
        return ok(say("The clock is right."))
    if found.box.knows_time:
        return ok(say("The box knows the time from the server."))
    if _unwritable(found.box) is not None:
        return unknown(say("The box does not know the time yet; the server tells it once it is heard."))
    return unknown(
        say("The box does not know the time yet. It measures all the same; the server tells it once it is heard."),
    )
