"""Risk: whether a checkout or a reveal may go on, and the cases that people decide."""
