"""Figures for the README; run by `make bench`, never by the tests."""
