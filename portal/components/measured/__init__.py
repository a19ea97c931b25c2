"""Decay, drift, explanations, predictions and business KPIs."""
