"""Who gets what of a sale: split contracts, the double-entry ledger, statements for partners."""
