"""The command line: ``cena``."""
