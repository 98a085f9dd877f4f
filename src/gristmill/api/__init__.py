"""REST: one router a noun and family. The wire's envelopes live only here."""
