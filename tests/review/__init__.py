"""What a hostile reader found: each test is a defect that was there."""
