"""What the agent's tests share."""
