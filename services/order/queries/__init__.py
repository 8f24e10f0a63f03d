"""Reads straight from the tables: no locks, no writes."""
