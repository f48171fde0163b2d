"""Data Jacobians: EDJM, EPDJM, readings, and all views of a space in a resumable store."""

from cena.jacobians.edjm import data_jacobian, epdjm_factors, jacov
from cena.jacobians.probe import Cost, probe
from cena.jacobians.readings import READINGS, Reader, Reading
from cena.jacobians.store import ViewStore
from cena.jacobians.views import (
    ViewRecipe,
    Views,
    ViewStatus,
    class_views,
    view_seeds,
    views_of,
)
from cena.jacobians.weights import rescale_weights

__all__ = [
    "READINGS",
    "Cost",
    "Reader",
    "Reading",
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
