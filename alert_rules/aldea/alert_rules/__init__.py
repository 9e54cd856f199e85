"""Judgement: rules as pure folds over events, and the engine that drives them.

`engine/` and `notify/` reach databases and networks; everything else here is pure: time comes in as an event.
"""
