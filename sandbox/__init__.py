"""The outside world for development: a payment provider and a supplier, as processes of their own with real wire formats."""
