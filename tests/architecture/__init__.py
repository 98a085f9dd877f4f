"""What the code looks like from afar."""
