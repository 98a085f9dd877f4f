"""Bytes: uploads, payloads, results and logs, under opaque keys."""
