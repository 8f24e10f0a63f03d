"""Products and their stock, cards, suppliers, deliveries, redemption, and the benefit wallet."""
