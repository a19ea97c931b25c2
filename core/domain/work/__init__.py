"""Responsibilities, tasks, trainings and perspectives."""
