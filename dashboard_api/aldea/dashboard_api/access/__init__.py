"""Who may do what: permissions, the table of routes, and the gate that every request passes."""
