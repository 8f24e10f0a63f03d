"""The verbs of inventory. They take part in a unit of work and never end it."""
