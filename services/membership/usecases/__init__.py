"""What the membership service does: `registration`, `signin`, `sessions`, `operators`, `spending` and `tiers`."""
