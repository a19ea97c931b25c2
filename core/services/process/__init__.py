"""Initiatives from registration to every gate: proofs, signatures, findings, waivers."""
