"""Calls to the outside. Made by api, never while a transaction is open."""
