"""Help for the collector's tests: an agent's messages, and a collector's parts on real files."""
