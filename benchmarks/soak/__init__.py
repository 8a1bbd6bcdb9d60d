"""Thousands of jobs while workers are killed and stopped and Redis restarts: what is lost, what is paid twice.

The same jobs and the same faults go to a naive Celery chord on the same Redis, at the same time. Personas are
simulated: they sleep for a tenth of what real ones took.
"""
