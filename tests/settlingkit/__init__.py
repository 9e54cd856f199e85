"""What the settler is tried on."""
