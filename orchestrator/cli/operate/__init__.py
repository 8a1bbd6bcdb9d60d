"""Operating: what runs for long, and what keeps it in order."""
