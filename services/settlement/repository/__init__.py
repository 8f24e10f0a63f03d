"""The only writes and locks; rows to domain and back."""
