"""What a developer runs: the local stack, its demo data and journeys, the load driver."""
