"""All of Aldea on one machine, embedded parts only: what `aldea up` runs."""
