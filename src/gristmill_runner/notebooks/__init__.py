"""Notebooks: their documents, parameters, kernels and the execution of their cells."""
