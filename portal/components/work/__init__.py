"""People's work: tasks, teams, trainings, responsibilities."""
