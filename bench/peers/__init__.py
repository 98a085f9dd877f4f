"""What benches compare with: the same work by hand, or by other tools, each in a process of its own."""
