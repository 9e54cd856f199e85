"""How Aldea is put together and run: the `aldea` command, the all-in-one server, brokers, services."""
