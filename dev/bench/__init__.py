"""What the platform can carry, measured from outside: `make bench`."""
