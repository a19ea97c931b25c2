"""What command line and API can do: one name, its parameters, one function."""
