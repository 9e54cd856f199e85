"""Starting for real: the simulated fleet leaves without a trace."""
