"""Model versions, what is written about them, and where their data comes from."""
