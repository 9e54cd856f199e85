"""Releases of the agent: the key that signs them, and the manifests that are signed."""
