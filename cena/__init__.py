"""Contrastive embeddings for neural architectures: the reproducible companion to the CENA paper."""

__version__ = "0.1.0"
