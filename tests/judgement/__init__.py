"""From an agent's bytes to incident, message, settled truth and indicator, in one process, over real stores."""
