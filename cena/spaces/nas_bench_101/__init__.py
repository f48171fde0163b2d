"""NAS-Bench-101."""
