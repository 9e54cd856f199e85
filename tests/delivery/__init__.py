"""A real agent against a real collector, with the post between them in the test's hand."""
