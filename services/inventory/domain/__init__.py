"""What inventory knows about goods, stock, cards, deliveries and suppliers. No I/O, no clock."""
