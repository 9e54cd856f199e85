"""Where things are kept: series stores (SQLite, InfluxDB) and the register (SQLite, PostgreSQL)."""
