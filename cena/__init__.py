"""Contrastive embeddings for neural architectures: the reproducible companion to the CENA paper.

``cena.embed`` places any network among the architectures of a published space; ``cena.load_embedding`` gives that
space as arrays, without torch. Both are imported when they are asked for, so that ``import cena`` stays light.
"""

__version__ = "0.1.0"


def __getattr__(name: str):  # type: ignore[no-untyped-def]  # the types are those of the modules
    """The functions that the package itself offers, from the modules they are in."""
    from importlib import import_module

    modules = {"embed": "cena.embedding", "load_embedding": "cena.data.released"}
    if name not in modules:
        raise AttributeError(f"module 'cena' has no attribute '{name}'")
    return getattr(import_module(modules[name]), name)
