"""The only writes and locks of the order service. Hot statements are single and set-based: arrays in, `unnest`."""
