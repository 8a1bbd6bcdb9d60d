"""How long a job takes in each mode, with simulated models: ``make bench-latency``.

The endpoint is simulated (:mod:`endpoint`); all else is real: HTTP and SSE, the provider client, worker processes,
Valkey, retrieval, gate and ledger. How long a call takes is decided in one pure place, :mod:`world`, from a seed, so
that every arm meets the same luck and what a job would take on a machine that costs nothing is known to the ms.
"""
