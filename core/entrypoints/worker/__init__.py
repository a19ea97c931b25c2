"""The worker process: all that is slow to import or to compute."""
