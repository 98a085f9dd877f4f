"""Which addresses the server may connect to when a URL came from a user, and connections that keep to that."""
