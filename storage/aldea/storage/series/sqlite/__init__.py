"""The embedded series store, in one SQLite file."""
