"""Looking back: what happened in a job, in a fleet, at the models."""
