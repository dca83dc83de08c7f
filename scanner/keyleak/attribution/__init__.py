"""Whose key it is: evidence gathered near and far, weighed nearest first."""
