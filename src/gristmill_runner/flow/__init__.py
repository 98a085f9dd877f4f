"""Flows: nodes, each a process of its own, that begin as soon as what they need is there."""
