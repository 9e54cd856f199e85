"""Copies of everything that can't be measured again, taken while Aldea runs, and put back."""
