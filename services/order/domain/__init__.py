"""What an order is, what it costs, and what may happen to it. No I/O and no clock."""
