"""The services: one database each, the same shape inside, no imports between them."""
