"""The only writes and locks. Locks are taken in one order: deliveries, supplier tasks, holds, entitlements, shelf, stock."""
