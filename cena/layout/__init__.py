"""From embeddings to coordinates: distance-preserving map, optimal transport, Laguerre cells (paper eq. 3-5).

The usual way from an embedding (n, d) to what searches work in:

    positions = distance_map(embedding, seed)
    points = separate(to_unit_square(positions), seed)
    space = coordinates(transport(points).centroids, parameters)

An architecture that comes later finds its place among them by :func:`place`.
"""

from cena.layout.coordinates import coordinates
from cena.layout.distance_map import distance_distortion, distance_map, principal_start
from cena.layout.laguerre import LaguerreCells, laguerre_cells
from cena.layout.out_of_sample import Place, place
from cena.layout.stochastic import stochastic_transport
from cena.layout.transport import Transport, separate, to_unit_square, transport

__all__ = [
    "LaguerreCells",
    "Place",
    "Transport",
    "coordinates",
    "distance_distortion",
    "distance_map",
    "laguerre_cells",
    "place",
    "principal_start",
    "separate",
    "stochastic_transport",
    "to_unit_square",
    "transport",
]
