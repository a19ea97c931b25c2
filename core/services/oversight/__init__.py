"""Governance in figures: KPIs, attention, standings."""
