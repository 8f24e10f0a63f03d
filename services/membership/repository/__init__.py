"""The only writes and locks of the membership service: `accounts`, `sessions`, `tiers` and `spend`."""
