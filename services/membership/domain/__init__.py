"""The rules of membership: who somebody is (`contacts`), how he signs in (`signin`, `roles`), what his spend brings (`tiers`)."""
