"""Real releases for tests of upgrades: wheels of this project, an installation, a box under its launcher, a server."""
