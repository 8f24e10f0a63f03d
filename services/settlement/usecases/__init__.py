"""Verbs: load, decide, save, announce. They take part in a unit of work and never commit."""
