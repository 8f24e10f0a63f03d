"""HTTP bodies in and out."""
