"""The series store of a programme: InfluxDB, or what speaks its line protocol and InfluxQL."""
