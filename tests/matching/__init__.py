"""Tests of `keyleak.matching`; a package, so that `strategies` can be imported from anywhere."""
