"""DARTS."""
