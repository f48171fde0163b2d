"""Data Jacobians: EDJM, EPDJM, and all views of a space in a resumable store."""

from cena.jacobians.edjm import data_jacobian, epdjm_factors, jacov
from cena.jacobians.probe import Cost, probe
from cena.jacobians.store import ViewStore
from cena.jacobians.views import (
    ViewRecipe,
    Views,
    ViewStatus,
    class_views,
    rescale_weights,
    view_seeds,
    views_of,
)

__all__ = [
    "Cost",
    "ViewRecipe",
    "ViewStatus",
    "ViewStore",
    "Views",
    "class_views",
    "data_jacobian",
    "epdjm_factors",
    "jacov",
    "probe",
    "rescale_weights",
    "view_seeds",
    "views_of",
]
