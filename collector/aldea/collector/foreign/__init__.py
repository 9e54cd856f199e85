"""Devices that are not ours: they publish single readings on topics of their own, and hear no acknowledgement of ours.

`settings` says which topics, `link` holds the connection, `decoders` read the formats, `taking` brings the readings
into the journal. docs/foreign.md tells how to set it up, and what is promised.
"""
