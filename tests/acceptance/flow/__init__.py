"""Steps of the flows over the unmodified clients. They run in processes of their own: see `steps.py`."""
