"""One script a question; each prints its figure beside its limit or peer."""
