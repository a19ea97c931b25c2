"""The record: its entries, decisions replayed, packs to take away."""
