"""MQTT in: decode, validate, journal, acknowledge, write series, feed the register."""
