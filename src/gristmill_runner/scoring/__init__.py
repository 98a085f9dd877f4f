"""Scoring a model's input: a coordinator that accounts for every row, and processes that score."""
