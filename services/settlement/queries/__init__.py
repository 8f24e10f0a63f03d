"""Reads straight from the tables to what is answered: no locks, no writes."""
