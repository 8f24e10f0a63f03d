"""Calls to other services and to the outside: used before or after a unit of work, never inside one."""
