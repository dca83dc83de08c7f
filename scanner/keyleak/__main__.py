"""`python -m keyleak`; in an untrusted folder use the `keyleak` program, which ignores that folder's code."""

import sys

from keyleak.cli import main

sys.exit(main())
