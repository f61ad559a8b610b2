"""What is done to sites, apartments and their people; one function = one intention = one transaction = one audit row."""
