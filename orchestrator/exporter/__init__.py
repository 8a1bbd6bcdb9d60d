"""The fleet's figures for Prometheus: what one process can tell for all workers, from the ledger and from Redis.

A worker exports what happens inside it; this exports what belongs to no worker (jobs, queues, the ledger), once.
Were every worker to export it, a fleet of twenty would show every job twenty times.
"""
