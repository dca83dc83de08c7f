"""Tests of `keyleak.rulebook`; a package, so that `strategies` can be imported from anywhere."""
