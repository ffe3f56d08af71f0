"""What leaves the device: the chained log, receipts, readings."""
