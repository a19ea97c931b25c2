"""The one process: pages and API mounted together, who sits where, and the guards at the door."""
