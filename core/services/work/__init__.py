"""Who does what by when: tasks, hand-offs, comments, trainings."""
