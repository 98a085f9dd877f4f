"""Each loop by its step, with a scripted launcher and no sleeps."""
