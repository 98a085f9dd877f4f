"""Known faults, each a small patch against a copy of the source, and the tests that must find it."""
