"""Gristmill: batch jobs from deployment spaces, on your own machines."""
