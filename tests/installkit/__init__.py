"""A Debian machine of our own to install on."""
