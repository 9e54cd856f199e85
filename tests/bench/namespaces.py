"""The kit's namespaces, under the name that the measurements know."""

from labkit.namespaces import Counters, Namespace, cable, ip

__all__ = ["Counters", "Namespace", "cable", "ip"]
