"""Mechanisms every service stands on. A closed list: adding a module is a reviewed edit of `.importlinter`."""
