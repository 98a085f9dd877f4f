"""The child program: runs one run directory in the software specification's own interpreter.

Standard library only at import time, Python 3.9 and later; heavy libraries are imported inside the kinds.
"""
