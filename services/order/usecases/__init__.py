"""The verbs of the order service: load, decide, save, announce. None commits, none calls another service."""
