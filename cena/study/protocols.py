"""The three ways in which a search is guided, judged and limited, and the regret of repeated searches under each.

*Noiseless*, as in the paper: searches see the numbers they are judged by. *Guided by validation*: they see the
validation accuracy of one training and are judged by the mean test accuracy of several. *In simulated time*, as
arch2vec was published: likewise, and each evaluation takes the seconds of its training, until they are spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cena.data import labels, registry
from cena.data.labels import LabelKey
from cena.search import Candidates, evaluations_within, regret_over_time, regret_table
from cena.study.artifacts import ArtifactStore
from cena.study.searches import repeated_searches

Array = NDArray[np.float64]

NOISELESS, GUIDED, TIMED = "noiseless", "guided by validation", "simulated time"

UNITS = {NOISELESS: "evaluated architectures", GUIDED: "evaluated architectures", TIMED: "simulated hours"}
"""Of what regret is followed against, by the name of the protocol."""

ONE_TRAINING = ("seed0", "seed777", "repeat0")
"""How the tables call a single training that is fully known, the first that a table has."""

BUDGETS = {
    ("nas-bench-201", "cifar10"): (LabelKey("cifar10", "validation", 12, "mean"), 12_000),
    ("nas-bench-201", "cifar100"): (LabelKey("cifar100", "validation", 200, "mean"), 500_000),
    ("nas-bench-201", "imagenet16"): (LabelKey("imagenet16", "validation", 200, "mean"), 1_400_000),
}
"""arch2vec's guide labels and seconds of simulated time on each data set, as in its released code."""

TIMES = 100
"""Points in time at which regret is looked at."""

SLOW = ("greedy-forest", "gaussian-process", "arch2vec-bo")
"""Methods that fit a model again and again, which costs more than a second a run."""

FEWEST_SLOW_RUNS, MOST_SLOW_RUNS = 5, 25
"""Of a method in :data:`SLOW`."""

FEWEST_RUNS = 10
"""Of a :func:`fifth`."""


@dataclass(frozen=True, eq=False)
class Protocol:
    """How searches of one data set are guided, judged and limited.

    Attributes
    ----------
    name : :data:`NOISELESS`, :data:`GUIDED` or :data:`TIMED`.
    guide, report : (n,) accuracy in percent that searches see, and by which they are judged; NaN where there is none.
    guide_key, report_key : which labels these are.
    cost : (n,) simulated seconds of each evaluation; None where evaluations are counted.
    seconds : the budget of simulated time, 0 where evaluations are counted.
    """

    name: str
    guide: Array
    report: Array
    guide_key: LabelKey
    report_key: LabelKey
    cost: Array | None = None
    seconds: float = 0

    def evaluations(self, budget: int) -> int:
        """The evaluations of a run: `budget`, or as many as surely last for the simulated time."""
        return budget if self.cost is None else evaluations_within(self.cost, self.guide, self.seconds)

    def axis(self, budget: int) -> Array:
        """Where regret is looked at: after 1, 2, ... `budget` evaluations, or at :data:`TIMES` times in seconds.

        The first time is that of the most expensive evaluation, when every search has finished one.
        """
        if self.cost is None:
            return np.arange(1, budget + 1, dtype=np.float64)
        return np.linspace(np.nanmax(self.cost), self.seconds, TIMES)


@dataclass(frozen=True, eq=False)
class Search:
    """A method on one representation of a space.

    Attributes
    ----------
    label : how figures and tables call it.
    method : a name in :data:`cena.search.METHODS`.
    candidates : what it sees of the space.
    parameters : the method's own, where they are not its defaults.
    everywhere : whether it is run under the fair protocols too, or under the noiseless one only.
    """

    label: str
    method: str
    candidates: Candidates
    parameters: tuple[tuple[str, float], ...] = ()
    everywhere: bool = True

    def runs(self, runs: int, protocol: str = NOISELESS) -> int:
        """How many runs this search gets of the `runs` of a profile under a protocol, by its name; 0: it is left out.

        All of them, but :func:`slow_runs` of a method in :data:`SLOW`.
        """
        if protocol != NOISELESS and not self.everywhere:
            return 0
        return slow_runs(runs) if self.method in SLOW else runs


def slow_runs(runs: int) -> int:
    """A tenth of the runs, at most :data:`MOST_SLOW_RUNS`, and none if that is below :data:`FEWEST_SLOW_RUNS`."""
    tenth = min(runs // 10, MOST_SLOW_RUNS)
    return tenth if tenth >= FEWEST_SLOW_RUNS else 0


def fifth(runs: int) -> int:
    """A fifth of the runs, but :data:`FEWEST_RUNS` where there are as many: enough to look for causes."""
    return max(runs // 5, min(runs, FEWEST_RUNS))


def protocols(space_name: str, key: LabelKey) -> list[Protocol]:
    """The protocols that the labels allow for the data set of `key`, whose labels are those of the noiseless one.

    Guided by validation: one training of as many epochs, or else the shorter training of 12 epochs. Simulated time:
    where all architectures have the guide labels of :data:`BUDGETS`.

    Raises
    ------
    InputError
        If the space has no labels `key`.
    """
    dataset = key.dataset
    report = _accuracy(space_name, key)
    found = [Protocol(NOISELESS, report, report, key, key)]
    mean = LabelKey(dataset, "test", key.epochs, "mean")
    if not _is_there(space_name, mean):
        return found
    mean_test = _accuracy(space_name, mean)
    singles = [LabelKey(dataset, "validation", key.epochs, trial) for trial in ONE_TRAINING]
    short = [LabelKey(dataset, "validation", 12, trial) for trial in ("one", "mean")]
    guides = [guide for guide in (*singles, *short) if _is_there(space_name, guide)]
    if guides:
        found.append(Protocol(GUIDED, _accuracy(space_name, guides[0]), mean_test, guides[0], mean))
    if (space_name, dataset) in BUDGETS:
        guide_key, seconds = BUDGETS[space_name, dataset]
        if _is_there(space_name, guide_key):
            guide = _accuracy(space_name, guide_key)
            if np.isfinite(guide).all():
                cost = labels.train_seconds(space_name, dataset=dataset, split="validation", epochs=guide_key.epochs)
                cost = cost + labels.evaluation_seconds(space_name, dataset=dataset, split="validation")
                found.append(Protocol(TIMED, guide, mean_test, guide_key, mean, cost, seconds))
    return found


def regrets(
    store: ArtifactStore,
    search: Search,
    protocol: Protocol,
    budget: int,
    seeds: Sequence[int],
    workers: int,
    shared: Sequence[Protocol] = (),
) -> Array:
    """(runs, points of :meth:`Protocol.axis`) regret in percentage points; runs are kept in the store.

    Parameters
    ----------
    seeds : of the runs, from the first; :meth:`Search.runs`, which must not be 0, says how many of them are used.
    shared : the other protocols of the data set. Those with the same guide share one set of runs, as many and as long
        as any of them needs; no method looks at what is left of its budget, so that the shorter are its beginnings.
    """
    alike = [protocol, *(other for other in shared if np.array_equal(other.guide, protocol.guide, equal_nan=True))]
    longest = max(other.evaluations(budget) for other in alike)
    runs = max(search.runs(len(seeds), other.name) for other in alike)
    histories = repeated_searches(
        store,
        search.method,
        search.candidates,
        protocol.guide,
        longest,
        seeds[:runs],
        workers,
        None,
        **dict(search.parameters),
    )
    if protocol.cost is None:
        return regret_table(histories, protocol.report)[:, :budget]
    times = protocol.axis(budget)
    return np.stack([regret_over_time(history, protocol.report, protocol.cost, times) for history in histories])


def _is_there(space_name: str, key: LabelKey) -> bool:
    if key not in labels.available(space_name):
        return False
    files = labels.files(space_name, dataset=key.dataset, split=key.split, epochs=key.epochs, trials=key.trials)
    return not any(registry.REGISTRY[name].url is None for name in registry.missing(files))


def _accuracy(space_name: str, key: LabelKey) -> Array:
    return labels.accuracy(space_name, dataset=key.dataset, split=key.split, epochs=key.epochs, trials=key.trials)
