"""The command ``gristmill``."""
