"""The demo organisation: a seeded simulation of people who work through the table of use cases."""
