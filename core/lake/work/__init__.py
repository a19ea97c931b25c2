"""Tasks, hand-offs, comments and trainings as recorded."""
