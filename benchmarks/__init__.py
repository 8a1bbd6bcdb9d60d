"""What the fleet's machinery costs, measured against a naive Celery chord: ``make bench``.

Everything is real but the personas: a private Valkey, worker processes, leases, outputs, ledger, archive, sweep and
metrics. The personas are simulated, on both sides: they sleep and say nothing.
"""
