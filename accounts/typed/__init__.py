"""Text that people type and paste: one module for each kind of it cleans, compares, finds and formats it."""
