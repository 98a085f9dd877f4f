"""Results: encoded chunk by chunk by those who score, appended in order, finished as one file."""
