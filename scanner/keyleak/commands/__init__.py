"""One module for each command: plain values in, an exit code out."""
