"""What things cost, each beside its floor: the plainest way to do the same, measured in turn in one run (docs/performance.md)."""
