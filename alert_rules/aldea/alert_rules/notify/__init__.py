"""Telling people: what is said, by which channel, once, and not in a storm. The only input and output of alerts."""
