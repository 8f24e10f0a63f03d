"""Calls to inventory, risk and payment providers. Made by api and jobs, never while a transaction is open."""
