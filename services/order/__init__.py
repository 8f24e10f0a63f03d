"""Orders: checkout, pricing, payment, refund; runs the purchase saga."""
