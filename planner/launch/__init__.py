"""What starts a planned job on what was built: one scheduler per file."""
