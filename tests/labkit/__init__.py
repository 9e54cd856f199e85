"""Machines of our own in network namespaces, and what may go wrong between them. See docs/lab.md."""
