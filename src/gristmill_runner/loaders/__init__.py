"""Models of each framework behind one face: features in, named prediction columns out."""
