"""Loops, each with a step: worker, execution, rescuer, janitor."""
