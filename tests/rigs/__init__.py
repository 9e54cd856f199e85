"""Real servers for tests: each on free loopback ports, its files apart, ended by its process id."""
