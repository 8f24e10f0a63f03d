"""The one door: who is asking, where to, how often. No database, no domain; every answer comes from a service."""
