"""The record itself, its files, and its verification."""
