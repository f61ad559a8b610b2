"""Every component with its examples, for those who write pages; available with DEBUG only."""
