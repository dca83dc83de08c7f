"""Undoing encodings: bytes in, decoded bytes and their places out. No files, clock, settings or network."""
