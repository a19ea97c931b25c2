"""The sheet of an initiative, its forms, and the inventory that leads there."""
