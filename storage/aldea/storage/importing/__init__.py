"""Real sites from a table that somebody keeps: XLSX or CSV in, a plan to look at, then the register."""
