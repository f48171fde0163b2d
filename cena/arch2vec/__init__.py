"""arch2vec (Yan et al., NeurIPS 2020): the unsupervised embedding of architectures' graphs that CENA is compared with.

A variational autoencoder of graph-isomorphism layers reads an architecture as a directed acyclic graph with an
operation on every node; it sees neither weights nor accuracies. :func:`arch2vec_embedding` is all of it: graphs in,
16 numbers for each out.
"""

from cena.arch2vec.distances import edit_distance, edit_distance_correlation
from cena.arch2vec.graphs import Graphs, isomorphism_classes, nas_bench_101_graphs, nas_bench_201_graphs
from cena.arch2vec.model import Arch2vec, Arch2vecConfig, arch2vec_loss
from cena.arch2vec.quality import PriorQuality, Reconstruction, prior_graphs, prior_quality, reconstruction
from cena.arch2vec.training import arch2vec_embedding, encode_graphs, held_out_split, pretrain
from cena.arch2vec.validity import as_released_nas_bench_201_cells, valid_nas_bench_101_cells, valid_nas_bench_201_cells

__all__ = [
    "Arch2vec",
    "Arch2vecConfig",
    "Graphs",
    "PriorQuality",
    "Reconstruction",
    "arch2vec_embedding",
    "arch2vec_loss",
    "as_released_nas_bench_201_cells",
    "edit_distance",
    "edit_distance_correlation",
    "encode_graphs",
    "held_out_split",
    "isomorphism_classes",
    "nas_bench_101_graphs",
    "nas_bench_201_graphs",
    "pretrain",
    "prior_graphs",
    "prior_quality",
    "reconstruction",
    "valid_nas_bench_101_cells",
    "valid_nas_bench_201_cells",
]
