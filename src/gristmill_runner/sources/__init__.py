"""Inputs: cut into blocks between rows by the one who hands them out, parsed by those who score them."""
