"""A payment provider as the real ones behave: signed links and notifies, queries, refunds, bills, and faults on demand.

Run by `python -m sandbox.payment`. Money is pretended; everything else is meant.
"""
