"""What the product says on the demo at one moment, kept in files; `make golden` makes them anew."""
