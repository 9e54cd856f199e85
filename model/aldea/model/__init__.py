"""What every part of Aldea shares: words, shapes and contracts.

What may live here: the closed vocabularies (measurements, failures, roles), the data that crosses a
border (samples, batches, acknowledgements, events), the wire format, time arithmetic, and the protocols
that separate one part from another. What may not: input or output of any kind, settings, logging,
and anything only one part needs. Standard library only, except `columns`, which needs numpy and is
imported by the server's parts alone.
"""
