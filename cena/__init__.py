"""Contrastive embeddings for neural architectures: the reproducible companion to the CENA paper.

``cena.embed`` places any network among the architectures of a published space; ``cena.load_embedding`` gives that
space as arrays. Importing the package loads neither torch nor numpy: the two functions load what they need when called.
"""

__version__ = "0.1.0"

from cena.embed import embed, load_embedding

__all__ = ["embed", "load_embedding"]
