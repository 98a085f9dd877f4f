"""Use cases: one transaction script a verb. They authorise and raise domain errors; no HTTP, no threads."""
