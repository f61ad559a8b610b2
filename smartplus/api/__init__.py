"""The API: what the pages show, for programs with a token."""
