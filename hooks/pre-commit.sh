#!/bin/sh
# Scans the files that are named; `pre-commit` and continuous integration name them.
# The console script is called and never `python -m`, which would run code of the scanned folder.
exec keyleak scan --no-progress "$@"
