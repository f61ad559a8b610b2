"""A world of any size for load: a small true one, built by the actions people use, and its rows multiplied set-wise."""
