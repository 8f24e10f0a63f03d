"""The rules of points: `earning` says what a purchase brings, `ledger` keeps what a member has."""
