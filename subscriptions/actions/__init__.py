"""Actions on money and paid time. One function is one intention, one transaction and one audit row."""
