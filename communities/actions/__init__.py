"""Actions on sites, apartments and their people. One function is one intention, one transaction and one audit row."""
