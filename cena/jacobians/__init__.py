"""Data Jacobians: EDJM, EPDJM, and all views of a space in a resumable store."""

from cena.jacobians.edjm import data_jacobian, jacov, native_precision, principal_components
from cena.jacobians.probe import Cost, probe
from cena.jacobians.store import ViewStore
from cena.jacobians.views import Status, Views, class_views, rescale_weights, view_seeds

__all__ = [
    "Cost",
    "Status",
    "ViewStore",
    "Views",
    "class_views",
    "data_jacobian",
    "jacov",
    "native_precision",
    "principal_components",
    "probe",
    "rescale_weights",
    "view_seeds",
]
