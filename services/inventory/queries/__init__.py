"""Reads, straight from tables to schemas: no locks, no writes."""
