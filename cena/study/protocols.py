"""The three ways in which a search is guided, judged and limited, and the regret of repeated searches under each.

*Noiseless*, as in the paper: searches see the numbers they are judged by. *Guided by validation*: they see the
validation accuracy of one training and are judged by the mean test accuracy of several. *In simulated time*, as
arch2vec was published: likewise, and each evaluation takes the seconds of its training, until they are spent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cena.data import labels
from cena.data.labels import LabelKey
from cena.search import evaluations_within, random_regret_expectation, regret_over_time, regret_table
from cena.study.artifacts import ArtifactStore
from cena.study.searches import Search, repeated_searches
from cena.types import Floats

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


@dataclass(frozen=True, eq=False)
class Protocol:
    """How searches of one data set are guided, judged and limited.

    Attributes
    ----------
    name : :data:`NOISELESS`, :data:`GUIDED` or :data:`TIMED`.
    guide, report : (n,) accuracy in percent that searches see, and by which they are judged; NaN where there is none.
    guide_key, report_key : which labels these are.
    budget : evaluations of a run where these are counted.
    cost : (n,) simulated seconds of each evaluation; None where evaluations are counted.
    seconds : the budget of simulated time, 0 where evaluations are counted.
    """

    name: str
    guide: Floats
    report: Floats
    guide_key: LabelKey
    report_key: LabelKey
    budget: int
    cost: Floats | None = None
    seconds: float = 0

    @property
    def evaluations(self) -> int:
        """The evaluations of a run: the budget, or as many as surely last for the simulated time."""
        return self.budget if self.cost is None else evaluations_within(self.cost, self.guide, self.seconds)

    @property
    def axis(self) -> Floats:
        """Where regret is looked at: after each evaluation of the budget, or at :data:`TIMES` times in seconds.

        The first time is that of the most expensive evaluation, when every search has finished one.
        """
        if self.cost is None:
            return np.arange(1, self.budget + 1, dtype=np.float64)
        return np.linspace(np.nanmax(self.cost), self.seconds, TIMES)


def protocols(space_name: str, key: LabelKey, budget: int) -> list[Protocol]:
    """The protocols that the labels allow for the data set of `key`, whose labels are those of the noiseless one.

    Guided by validation: one training of as many epochs, or else the shorter training of 12 epochs. Simulated time:
    where all architectures have the guide labels of :data:`BUDGETS`; else a run has `budget` evaluations.

    Raises
    ------
    InputError
        If the space has no labels `key`.
    """
    dataset = key.dataset
    report = labels.accuracy(space_name, key)
    found = [Protocol(NOISELESS, report, report, key, key, budget)]
    known = labels.available(space_name)
    mean = LabelKey(dataset, "test", key.epochs, "mean")
    if mean not in known:
        return found
    mean_test = labels.accuracy(space_name, mean)
    singles = [LabelKey(dataset, "validation", key.epochs, trial) for trial in ONE_TRAINING]
    short = [LabelKey(dataset, "validation", 12, trial) for trial in ("one", "mean")]
    guides = [guide for guide in (*singles, *short) if guide in known]
    if guides:
        found.append(Protocol(GUIDED, labels.accuracy(space_name, guides[0]), mean_test, guides[0], mean, budget))
    if (space_name, dataset) in BUDGETS:
        guide_key, seconds = BUDGETS[space_name, dataset]
        if guide_key in known:
            guide = labels.accuracy(space_name, guide_key)
            if np.isfinite(guide).all():
                cost = labels.train_seconds(space_name, guide_key) + labels.evaluation_seconds(space_name, guide_key)
                found.append(Protocol(TIMED, guide, mean_test, guide_key, mean, budget, cost, seconds))
    return found


@dataclass(frozen=True, eq=False)
class Regrets:
    """Regret in percentage points of repeated searches of one data set under one protocol.

    Attributes
    ----------
    protocol : which one.
    tables : (runs, points of :attr:`Protocol.axis`) by the label of the search; searches may have different numbers of
        runs.
    expected : (budget,) the exact expectation of random search; None in simulated time.
    """

    protocol: Protocol
    tables: Mapping[str, Floats]
    expected: Floats | None

    def points(self, evaluations: Sequence[int]) -> list[int]:
        """The numbers of evaluations to look at: those given, or [0], the end, in simulated time."""
        return [0] if self.expected is None else [*evaluations]

    def at(self, label: str, evaluations: int) -> Floats:
        """(runs,) of a search after so many evaluations, 0: when time is spent; of random search its expectation."""
        values: Floats = self.tables[label][:, evaluations - 1]
        if label == "random" and self.expected is not None:
            return np.full(len(values), self.expected[evaluations - 1])
        return values


def searched(
    store: ArtifactStore,
    searches: Sequence[Search],
    under: Sequence[Protocol],
    seeds: Sequence[int],
    workers: int,
) -> dict[str, Regrets]:
    """Regrets of all searches of one data set under each of its protocols, by the name of the protocol.

    Parameters
    ----------
    seeds : of the runs of a search that gets all of them.
    """
    return {
        protocol.name: Regrets(
            protocol,
            {
                search.label: regrets(store, search, protocol, seeds, workers, under)
                for search in searches
                if search.runs(len(seeds), protocol.name != NOISELESS)
            },
            None
            if protocol.cost is not None
            else random_regret_expectation(protocol.guide, protocol.report, protocol.budget),
        )
        for protocol in under
    }


def regrets(
    store: ArtifactStore,
    search: Search,
    protocol: Protocol,
    seeds: Sequence[int],
    workers: int,
    shared: Sequence[Protocol] = (),
) -> Floats:
    """(runs, points of :attr:`Protocol.axis`) regret in percentage points; runs are kept in the store.

    Parameters
    ----------
    seeds : of the runs, from the first; :meth:`Search.runs`, which must not be 0, says how many of them are used.
    shared : the other protocols of the data set. Those with the same guide share one set of runs, as many and as long
        as any of them needs; no method looks at what is left of its budget, so that the shorter are its beginnings.
    """
    alike = [protocol, *(other for other in shared if np.array_equal(other.guide, protocol.guide, equal_nan=True))]
    longest = max(other.evaluations for other in alike)
    runs = max(search.runs(len(seeds), other.name != NOISELESS) for other in alike)
    histories = repeated_searches(store, search, protocol.guide, longest, seeds[:runs], workers)
    if protocol.cost is None:
        return regret_table(histories, protocol.report)[:, : protocol.budget]
    times = protocol.axis
    return np.stack([regret_over_time(history, protocol.report, protocol.cost, times) for history in histories])
