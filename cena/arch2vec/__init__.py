"""arch2vec (Yan et al., NeurIPS 2020): the unsupervised embedding of architectures' graphs that CENA is compared with.

A variational autoencoder of graph-isomorphism layers reads an architecture as a directed acyclic graph with an
operation on every node; it sees neither weights nor accuracies. :func:`arch2vec_embedding` is all of it: graphs in,
16 numbers for each out.
"""

from cena.arch2vec.distances import edit_distance, edit_distance_correlation, walk_correlation, walk_distances
from cena.arch2vec.graphs import Graphs, cell_graphs, isomorphism_classes, module_graphs
from cena.arch2vec.model import Arch2vec, Arch2vecConfig, arch2vec_loss
from cena.arch2vec.quality import PriorQuality, Reconstruction, prior_graphs, prior_quality, reconstruction
from cena.arch2vec.training import arch2vec_embedding, encode_graphs, held_out_split, pretrain
from cena.arch2vec.validity import as_released_cells, valid_cells, valid_modules

__all__ = [
    "Arch2vec",
    "Arch2vecConfig",
    "Graphs",
    "PriorQuality",
    "Reconstruction",
    "arch2vec_embedding",
    "arch2vec_loss",
    "as_released_cells",
    "cell_graphs",
    "edit_distance",
    "edit_distance_correlation",
    "encode_graphs",
    "held_out_split",
    "isomorphism_classes",
    "module_graphs",
    "pretrain",
    "prior_graphs",
    "prior_quality",
    "reconstruction",
    "valid_cells",
    "valid_modules",
    "walk_correlation",
    "walk_distances",
]
