"""What tests of every part lean on: real databases and brokers, made for the session and ended with it."""
