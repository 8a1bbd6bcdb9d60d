"""How a worker process lives among others: what it takes and says of itself, where it runs, how it ends."""
