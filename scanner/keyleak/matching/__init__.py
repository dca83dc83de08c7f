"""Finding keys in bytes: compiled rules and content in, matches out. No files, clock, settings or network."""
