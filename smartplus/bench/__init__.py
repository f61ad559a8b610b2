"""The benchmark: the cost of pages, lists and jobs beside a floor, the simplest code for the same result, measured in turn in one run
(docs/performance.md)."""
