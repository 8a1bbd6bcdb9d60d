"""Steering: which mode new jobs run in, and which queues are held."""
