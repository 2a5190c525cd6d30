"""Training: recipes, schedules, run folders and the training loop."""
