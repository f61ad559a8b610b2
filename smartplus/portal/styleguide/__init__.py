"""Every component with its examples, for who writes pages; there in DEBUG only."""
