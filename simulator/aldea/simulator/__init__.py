"""Simulated villages with known truth: for the demonstration, rehearsals, benchmarks and tests.

A village is a pure function of a seed, a start time and its entry in `data/villages.csv`: the same rows come
out however often, and in however many pieces, they are asked for. What it measures goes to the collector over
MQTT by the ordinary protocol, so nothing downstream knows a simulated site but by the register's flag.
"""
