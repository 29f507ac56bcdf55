"""What was asked and what it took: one row a request, written in batches off the hot path."""
