"""Data sources of every kind over the same files, for tests that all of them have to pass."""
