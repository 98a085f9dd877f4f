"""Pure decisions: frozen dataclasses, enums and functions. No I/O, no clock, no third-party import."""
