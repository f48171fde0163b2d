"""A Gaussian process with expected improvement: how the authors' first version searched their coordinates."""

import warnings

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from cena.search.candidates import Candidates
from cena.search.evaluator import Evaluator
from cena.search.history import History
from cena.search.surrogate import log_expected_improvement, search_by_model
from cena.stages import Stage
from cena.types import Floats

GAUSSIAN_PROCESS = Stage("search.gaussian-process", version=1)

_INITIAL = 10


@GAUSSIAN_PROCESS
def gaussian_process(candidates: Candidates, guide: ArrayLike, budget: int, seed: int, *, batch: int = 1) -> History:
    """Evaluate the architecture with the highest expected improvement over the best so far, over the whole space.

    The start is 10 random architectures.
    The kernel is a Matérn one of smoothness 5/2 with one length scale, times a constant, plus noise; all three are
    fitted by marginal likelihood each time, to standardised accuracies.

    Parameters
    ----------
    candidates : the space, n architectures; choices are seen one-hot.
    guide : (n,) accuracy that the search sees, in percent; NaN where there is no label.
    budget : number of evaluations.
    seed : of the run.
    batch : number of architectures to evaluate between two fits.

    Raises
    ------
    InputError
        If `batch` is below 1, or as :class:`cena.search.evaluator.Evaluator` does.
    """
    evaluator = Evaluator(candidates, guide, budget, seed)
    return search_by_model("gaussian-process", _improvement, evaluator, _INITIAL, batch)


def _improvement(known: Floats, accuracy: Floats, others: Floats, _generator: np.random.Generator) -> Floats:
    standard = (accuracy - accuracy.mean()) / (accuracy.std() or 1.0)
    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * Matern(0.3, (1e-2, 1e2), nu=2.5) + WhiteKernel(1e-2, (1e-6, 1e1))
    model = GaussianProcessRegressor(kernel)
    with warnings.catch_warnings():
        # A length scale or a noise at its bound says that the data do not determine it, which is no failure.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(known, standard)
    # The model predicts accuracies with their noise; the improvement of the accuracy itself is what counts.
    mean, deviation = model.predict(others, return_std=True)
    noise = model.kernel_.k2.noise_level
    latent = np.sqrt(np.maximum(deviation**2 - noise, 0.0))
    return log_expected_improvement(mean, latent, float(standard.max()))
