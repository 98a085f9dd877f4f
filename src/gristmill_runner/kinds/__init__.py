"""What can be run, a module a kind."""
