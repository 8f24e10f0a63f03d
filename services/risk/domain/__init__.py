"""What risk knows and how it decides. No I/O and no clock: everything here answers from memory."""
