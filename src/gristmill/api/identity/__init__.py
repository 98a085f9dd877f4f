"""Tokens, users, API keys and task credentials."""
