"""The extractive engine: what it may say, and that it argues."""
