"""What is done about money and paid time; one function = one intention = one transaction = one audit row."""
