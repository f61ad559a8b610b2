"""Test data of any size for load: a small part is created by actions, and its rows are multiplied by SQL."""
