"""The API: another door to what the pages show, for programs with a token."""
