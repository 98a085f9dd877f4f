"""The rings of tests; see CONTRIBUTING.md."""
