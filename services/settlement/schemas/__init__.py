"""HTTP bodies of the settlement service. Money is in minor units with its currency."""
