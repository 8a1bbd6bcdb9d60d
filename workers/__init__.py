"""What runs the personas: Celery tasks, leased execution, prompts, tools and model calls."""
