"""Why a code leads nowhere, in English; whoever shows it puts it into the reader's language."""

from __future__ import annotations

ASK = "ask for a new one (`aldea site enrol SITE`, or the site's page)"
NO_CODE = (
    "the code is not one of ours: it has %(length)s letters and digits, such as K7QM-3XPT, without 0, 1, I, L, O and U"
)
NOT_KNOWN = "this code is not known: look at it again, or " + ASK
USED = "this code was used already; each is good for one device once: " + ASK
REPLACED = "this code was replaced by a newer one: use that, or " + ASK
OVER = "this code is over: " + ASK
SITE_GONE = "this code's site is gone: ask for a code of another site"
OTHER_SITE = (
    "this code is for the site %(site)s, but the device's folder belongs to %(held)s and may hold what was measured "
    "there: give the agent another folder (--data). The code was not used"
)
TOO_MANY = "too many wrong codes were tried: try again in %(minutes)s min"

TEXTS = (NO_CODE, NOT_KNOWN, USED, REPLACED, OVER, SITE_GONE, OTHER_SITE, TOO_MANY)
