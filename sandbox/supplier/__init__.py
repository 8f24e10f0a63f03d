"""A supplier of top-ups as the real ones behave: signed orders and queries, a balance, and faults on demand.

Run by `python -m sandbox.supplier`. Nothing is delivered and no money moves; everything else is meant.
"""
