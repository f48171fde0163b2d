# ---
# jupyter:
#   cena:
#     needs: [topology, released]
#     version: 4
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Embed your own
#
# The encoder in closed form of [chapter 3](03_contrastive_embeddings) takes nothing but what can be read of a data
# Jacobian, and every differentiable network has one. So any network can be placed among the architectures of a
# benchmark, without training it and without describing it: a function that returns a `torch.nn.Module` is enough.
#
# The paper does not do this. The encoder has seen one kind of network only, cells of convolutions between the same
# stem and head. What does it make of a residual network, a transformer, a perceptron? We ask four things of it: that it
# recognises known architectures at fresh initial weights; that it says so when a network is like nothing it has seen;
# that two initialisations of one network land together; and that networks of one design are neighbours, in the order of
# their widths and depths. Each answer stands beside what the number of parameters or the bare spectrum would say.
#
# The second half leaves benchmarks behind. Can [untrained ImageNet networks](#real-networks), as they were published, be
# ranked by how well they will do?

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run
controls: int = 40  # [5..500] known architectures embedded again
seed: int = 1  # [1..1000] of the initial weights; 0 is the benchmark's own

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from IPython.display import HTML, Markdown
from matplotlib import pyplot as plt
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from torch import nn

from cena import spaces
from cena.companion.project import results_folder
from cena.contrast import ClosedFormConfig, fit_closed_form
from cena.data import labels
from cena.embed import embed
from cena.embed.network import OUTSIDE, embed_space
from cena.embed.reference import load_reference
from cena.errors import InputError
from cena.evaluate import (
    bootstrap_interval,
    join,
    judge,
    log_spectrum,
    principal_components,
    write_records,
    write_table,
)
from cena.jacobians import probe
from cena.report import style
from cena.report.tables import NAMES, NONE, markdown_table
from cena.report.wording import signed, told
from cena.report.zoo import DEPTHS, FAMILIES, WIDTHS, resnet
from cena.spaces import ModuleSpace, TopologySpace
from cena.spaces.imagenet import imagenet_networks
from cena.study.artifacts import ArtifactStore
from cena.study.profiles import PROFILES
from cena.study.real_networks import imagenet_views, known_views, network_images
from cena.view_arrays import mean_over_views

style.use_style()
torch.set_num_threads(1)
results = results_folder(profile)
reference = load_reference("digits-topology" if profile == "quick" else "nas-bench-201")
release = reference.release
resolution = reference.images.pixels.shape[-1]
made = release.provenance
Markdown(
    f"The reference is the release of {NAMES.get(release.name, release.name)} inside the package: "
    f"{len(release.classes):,} architectures in {len(release.class_embedding):,} classes, as networks with "
    f"{made['networks']['channels']} channels and "
    f"{made['networks']['cells']} cell a stage, at {len(reference.images.pixels)} images of "
    f"{resolution}x{resolution} pixels ({reference.images.note}), {reference.views} initialisations each. "
    f"Accuracies to predict from: {reference.labelled}."
)

# %% [markdown]
# ## One network
#
# A residual network of the usual kind {cite:p}`he2016resnet`: with 16 channels and three blocks a stage it is
# ResNet-20.

# %%
placed = embed(lambda: resnet(16, 3, resolution), reference, seed, name="ResNet-20", announce=None)

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]


def predicted(found):
    """The prediction with its limits, in words."""
    if found is None:
        return NONE
    return f"{found.value:.1f} ({found.low:.1f} to {found.high:.1f})"


Markdown(
    markdown_table(
        ("distance", "nearest known architecture"),
        [(f"{neighbour.distance:.2f}", f"`{neighbour.text}`") for neighbour in placed.nearest],
        numeric=(0,),
    )
    + f"\n\nPlace in the unit square: ({placed.place.square[0]:.2f}, {placed.place.square[1]:.2f}). Predicted accuracy, "
    f"in percent with 95 % limits: {predicted(placed.accuracy)}. Of the known classes, {100 * placed.outside:.1f} % are "
    "nearer to their nearest neighbour than this network is to its own. "
    + (f"Warning: {placed.warning}" if placed.warning else "No warning.")
)

# %% [markdown]
# The limits are the 2.5 % and 97.5 % quantiles of the forest's out-of-bag errors: they hold for architectures like the
# known ones. For a network outside they are a guess, and the warning says so. Distances are Euclidean, in about the
# units of what one initialisation changes.
#
# What has no data Jacobian gets a reason instead, from a trial on a few images, before anything long is begun:


# %%
class Labels(nn.Module):
    """Returns the number of the class, which has no gradient."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3 * resolution**2, 10)

    def forward(self, x):
        return self.linear(x.flatten(1)).argmax(dim=1, keepdim=True)


refused = {
    "of labels": Labels,
    "for grey images": lambda: nn.Sequential(nn.Conv2d(1, 8, 3), nn.Flatten()),
    "of maps": lambda: nn.Conv2d(3, 8, 3),
    "elsewhere": lambda: nn.Sequential(nn.Flatten(), nn.Linear(3 * resolution**2, 10, device="meta")),
}
reasons = []
for name, factory in refused.items():
    try:
        embed(factory, reference, name=name, announce=None)
    except InputError as error:
        reasons.append(f"- {error}")
Markdown("\n".join(reasons))

# %% [markdown]
# ## A zoo
#
# Eight designs, each in three widths and three depths: ResNet {cite:p}`he2016resnet`, VGG
# {cite:p}`simonyan2015vgg`, MobileNet {cite:p}`sandler2018mobilenet`, ShuffleNet {cite:p}`zhang2018shufflenet` and
# DenseNet {cite:p}`huang2017densenet` are convolutional like the benchmark; the MLP-Mixer
# {cite:p}`tolstikhin2021mixer`, the vision transformer {cite:p}`dosovitskiy2021vit` and the plain perceptron are not,
# and have neither BatchNorm nor, the first two, ReLU. All are short and untuned (`cena.report.zoo`), and take the
# images of the reference.
#
# As a control, known architectures are embedded again at fresh initial weights.

# %%
members = [(family, width, depth) for family in FAMILIES for width in WIDTHS for depth in DEPTHS]
zoo = ModuleSpace(
    {
        f"{family} {width}x{depth}": lambda family=family, width=width, depth=depth: FAMILIES[family](
            width, depth, resolution
        )
        for family, width, depth in members
    },
    resolution,
)
strangers = embed_space(zoo, reference, seed, workers=-1)

networks = made["networks"]
shape = (networks["channels"], networks["cells"], resolution)
known = TopologySpace(release.name, spaces.load(release.name).cells, *shape)


def alive(index):
    """Whether the output of a known network depends on its input."""
    try:
        probe("known", known.build(index, seed), reference.images.pixels)
    except InputError:
        return False
    return True


firsts = release.architectures[reference.representatives]  # one architecture of each class
drawn = np.random.default_rng(seed).permutation(len(firsts))[: 2 * controls]
drawn = [int(number) for number in drawn if alive(int(firsts[number]))][:controls]
again = embed_space(
    TopologySpace("again", [known.cells[int(firsts[number])] for number in drawn], *shape), reference, seed, workers=-1
)

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]


def ranks(rows, own):
    """(n,) how many known classes are nearer than the own one."""
    distances = [reference.distances(row) for row in rows]
    return np.array([np.count_nonzero(one < one[number]) for one, number in zip(distances, own, strict=True)])


nearest = {
    "known, fresh weights": np.array([reference.distances(row).min() for row in again.embedding]),
    **{
        family: np.array(
            [
                reference.distances(row).min()
                for row, member in zip(strangers.embedding, members, strict=True)
                if member[0] == family
            ]
        )
        for family in FAMILIES
    },
}
outside = {name: np.array([reference.outside(distance) for distance in values]) for name, values in nearest.items()}
rank = ranks(again.embedding, drawn)
rows = [
    (
        name,
        f"{np.median(values):.1f}",
        f"{100 * np.median(outside[name]):.0f}",
        f"{np.mean(outside[name] > OUTSIDE):.2f}",
    )
    for name, values in nearest.items()
]
far = [family for family in FAMILIES if np.mean(outside[family] > OUTSIDE) > 0.5]
near = [family for family in FAMILIES if family not in far]
false_alarm = np.mean(outside["known, fresh weights"] > OUTSIDE)
known_classes = len(release.class_embedding)
Markdown(
    markdown_table(
        ("networks", "median distance to the nearest known", "median outside measure (%)", "share warned of"),
        rows,
        numeric=(1, 2, 3),
    )
    + f"\n\nOf {len(drawn)} known architectures at fresh weights, {100 * np.mean(rank == 0):.0f} % are nearest to "
    f"themselves and {100 * np.mean(rank < 10):.0f} % have themselves among the nearest ten of {known_classes:,} classes "
    f"(chance: {1000 / known_classes:.1f} %); in the median {100 * np.median(rank) / known_classes:.0f} % of the classes "
    f"are nearer than their own (chance: 50 %). False alarms: {100 * false_alarm:.0f} % of them are warned of. "
    f"Of the designs, most networks are warned of in: {', '.join(far) or 'none'}; fewer or none in: "
    f"{', '.join(near) or 'none'}, which are like the benchmark's to this encoder, or it does not see how they differ."
)

# %% [markdown]
# ## Where they come to lie
#
# The layout of [chapter 4](04_layout) is finished, and a new network joins it with all others held where they are: the
# same objective as in {eq}`eq:distances` for its position in the plane, and for the square {eq}`eq:transport` the place
# where its Laguerre cell would appear if it had a vanishing share of the area. A square that is all given away has no
# outside, so strangers crowd at few places. The second panel has more room: the first two principal components of the
# embeddings of the zoo alone.

# %% mystnb={"figure": {"name": "fig-zoo", "caption": "The zoo in the square of the known architectures (grey: their places), and by the first two principal components of its own embeddings. Lines join the widths of one depth; larger markers are wider networks."}, "image": {"alt": "Two scatter plots of networks of eight families: their places among the known architectures in the unit square, and their principal components, where lines join networks of one family and depth."}} tags=["hide-input"]
square = np.array([reference.place(row).square for row in strangers.embedding])
principal = PCA(2, svd_solver="full").fit(strangers.embedding)
plane = principal.transform(strangers.embedding)
shares = 100 * principal.explained_variance_ratio_
colours = [colour for name, colour in style.COLOURS.items() if name != "black"] + [style.COLOURS["black"]]
markers = "osD^vPX*"
figure, axes = style.figure(1, 2, panel_height=3.9)
axes[0].scatter(*release.coordinates[reference.representatives, :2].T, s=2, color="0.85", linewidths=0, rasterized=True)
for panel, points in zip(axes, (square, plane), strict=True):
    for family, colour, marker in zip(FAMILIES, colours, markers, strict=True):
        for depth in DEPTHS:
            chosen = [i for i, member in enumerate(members) if member[0] == family and member[2] == depth]
            if panel is axes[1]:
                panel.plot(*points[chosen].T, color=colour, linewidth=0.9, alpha=0.7)
            sizes = [14 * (1 + WIDTHS.index(members[i][1])) for i in chosen]
            label = family if depth == DEPTHS[0] else None
            panel.scatter(
                *points[chosen].T, s=sizes, color=colour, marker=marker, label=label, linewidths=0, clip_on=False
            )
axes[0].set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="layout, first", ylabel="layout, second")
axes[1].set(xlabel=f"first component ({shares[0]:.0f} % of variance)", ylabel=f"second component ({shares[1]:.0f} %)")
figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=4)
table = pd.DataFrame(members, columns=["family", "width", "depth"])
table["parameters"] = [zoo.parameters(i) for i in range(len(zoo))]
table["distance"] = [reference.distances(row).min() for row in strangers.embedding]
table["outside"] = [reference.outside(distance) for distance in table.distance]
table[["square_x", "square_y"]] = square
table[["component_1", "component_2"]] = plane
write_table(results / "11_embed_your_own_zoo.csv", table)
plt.show()

# %% [markdown]
# ## Three tests
#
# **Two initialisations land together.** The nearest of all other views of the zoo to a view should be one of the same
# network. **The design is recovered.** The nearest other network, by the mean over views, should be of the same design:
# leave one out, with nine networks of each. **Widths and depths lie on a curve.** Of three networks that differ in
# width only, or in depth only, on a curve the first and the last are farthest apart.
#
# The rivals are the logarithm of the number of parameters, which is the same in every view and grows with every width
# and depth, so that it passes the first and the third test by construction and only the second counts; and the log
# spectrum of the same Jacobians, which needs no encoder. An embedding is worth its encoder where it beats both. The
# intervals are 95 % bootstrap intervals over networks, or over triples; networks of one design are no independent
# draws, so they say how firm the numbers are for this zoo and not for all networks one could think of.

# %%
family_of = np.array([member[0] for member in members])
usable = strangers.usable
spectra = np.where(usable[..., None], strangers.singular_values.astype(np.float64), np.nan)
view_spectra = log_spectrum(spectra.reshape(-1, 1, spectra.shape[-1]))


def euclidean(rows):
    """All Euclidean distances among rows."""
    return np.linalg.norm(rows[:, None] - rows[None], axis=2)


def agrees(distances, labels):
    """(n,) whether the nearest other row has the same label."""
    others = distances + np.diag(np.full(len(distances), np.inf))
    return (labels[others.argmin(axis=1)] == labels).astype(float)


def ends_farthest(distances):
    """(triples,) whether the ends of three networks in a row are farther apart than both are from the middle."""
    number = {member: i for i, member in enumerate(members)}
    lines = [[(family, width, depth) for width in WIDTHS] for family in FAMILIES for depth in DEPTHS]
    lines += [[(family, width, depth) for depth in DEPTHS] for family in FAMILIES for width in WIDTHS]
    passed = []
    for line in lines:
        first, middle, last = (number[member] for member in line)
        passed.append(distances[first, last] > max(distances[first, middle], distances[middle, last]))
    return np.array(passed, dtype=float)


rows = np.flatnonzero(usable.ravel())
network_of = np.repeat(np.arange(len(zoo)), reference.views)[rows]
by_view = {
    "embedding": euclidean(strangers.views.reshape(-1, strangers.views.shape[-1])[rows]),
    "log spectrum": euclidean(view_spectra[rows]),
}
by_network = {
    "embedding": euclidean(strangers.embedding),
    "log spectrum": euclidean(log_spectrum(spectra)),
    "log parameters": euclidean(np.log(table.parameters.to_numpy(dtype=float))[:, None]),
}


def together(distances):
    """(networks,) share of each network's views whose nearest other view is its own."""
    hits = agrees(distances, network_of)
    return np.bincount(network_of, hits) / np.bincount(network_of)


tests = {
    "two initialisations together": {name: together(distances) for name, distances in by_view.items()},
    "design recovered": {name: agrees(distances, family_of) for name, distances in by_network.items()},
    "widths and depths on a curve": {name: ends_farthest(by_network[name]) for name in by_view},
}
size = len(WIDTHS) * len(DEPTHS)
chance = dict(
    zip(tests, ((reference.views - 1) / (len(rows) - 1), (size - 1) / (len(members) - 1), 1 / 3), strict=True)
)
scores = {
    test: {name: bootstrap_interval(values, 0, np.mean) for name, values in by.items()} for test, by in tests.items()
}

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
names = list(by_network)
write_table(
    results / "11_embed_your_own_tests.csv",
    pd.DataFrame(
        [
            (test, name, found.value, found.low, found.high, found.runs, chance[test])
            for test, by in scores.items()
            for name, found in by.items()
        ],
        columns=["test", "features", "share", "low", "high", "cases", "chance"],
    ),
)

RECORDED = {
    "two initialisations together": "together",
    "design recovered": "design",
    "widths and depths on a curve": "curve",
}
records = [
    judge(
        f"embedding.zoo.{RECORDED[test]}",
        by["embedding"],
        reason=f"networks of {made['networks']['cells']} cell a stage behind the encoder (profile {profile})",
        baseline=by["log spectrum"].value,
    )
    for test, by in scores.items()
]


def verdict(test):
    """The embedding against chance and against its best rival, in words."""
    own, by = scores[test]["embedding"], scores[test]
    rival = max((name for name in by if name != "embedding"), key=lambda name: by[name].value)
    gain = bootstrap_interval(tests[test]["embedding"] - tests[test][rival], 0, np.mean)
    above = "above" if own.low > chance[test] else "not above"
    return (
        f"- {test[0].upper()}{test[1:]}: the embedding is {above} chance ({chance[test]:.2f}); minus the "
        f"{rival}, its best rival: {signed(gain, 2)}, {told(gain)}."
    )


Markdown(
    markdown_table(
        ("share of cases [95 % interval]", *names, "chance"),
        [
            (test, *(str(by[name]) if name in by else NONE for name in names), f"{chance[test]:.3f}")
            for test, by in scores.items()
        ],
        numeric=(1, 2, 3, 4),
    )
    + "\n\n"
    + "\n".join(map(verdict, tests))
)

# %% [markdown]
# Which designs are taken for which? Rows are the true design, columns the design of the nearest other network.

# %% mystnb={"figure": {"name": "fig-confusion", "caption": "Nearest other network in the embedding: how many of the nine networks of each design (rows) have their nearest neighbour in which design (columns)."}, "image": {"alt": "Matrix of counts: designs of networks against designs of their nearest neighbours."}} tags=["hide-input"]
designs = list(FAMILIES)
closest = (by_network["embedding"] + np.diag(np.full(len(members), np.inf))).argmin(axis=1)
counts = np.zeros((len(designs), len(designs)), dtype=int)
for own, other in zip(family_of, family_of[closest], strict=True):
    counts[designs.index(own), designs.index(other)] += 1
figure, (panel,) = style.figure(panel_height=3.6)
panel.imshow(counts, cmap="Blues", vmin=0, vmax=size)
for (row, column), count in np.ndenumerate(counts):
    if count:
        panel.text(column, row, str(count), ha="center", va="center", color="white" if count > size / 2 else "black")
panel.set(xlabel="design of the nearest network", ylabel="design")
panel.set_xticks(range(len(designs)), designs, rotation=45, ha="right")
panel.set_yticks(range(len(designs)), designs)
plt.show()

# %% [markdown]
# (real-networks)=
#
# ## Real networks
#
# Benchmarks are made of small relatives. What of the networks that people use? `pytorchcv` builds hundreds of published
# ones, and its table says what top-5 error each reached on ImageNet. We take those of at most 30 million parameters that
# were made for 224x224 pixels, leave them untrained, and take their data Jacobians at eight photographs, from two
# initialisations each. Then we ask for the ranking: by a random forest that is fitted to the published accuracies of
# nine tenths of the networks and judged on the rest, and, which is harder, judged on *families* it has not seen: no
# ResNet helps to rank a ResNet.
#
# The readings are four that do not depend on the resolution: the spectrum, the radial power of the gradients, the radial
# spectrum of their energy map, and the magnitudes ([chapter 2](02_data_jacobians)); the encoder in closed form has twelve
# components. Both are those of a trial of ours on these networks that came before; nothing has been varied since. What is
# read of each network comes with the package, so this page needs none of them; `cena imagenet resnet18` computes what is
# read of one again, and compares.

# %%
READ = ("spectrum", "radial-power", "radial-energy-spectrum", "magnitudes")
CONFIG = ClosedFormConfig(components=12)
FOLDS, TREES = 10, 100

published = imagenet_networks()
store = ArtifactStore()
kept = [*imagenet_views(store, [one.name for one in published], workers=-1).values()]
usable_views = np.stack([one["status"] == 1 for one in kept])
read = {name: np.stack([one[name] for one in kept]) for name in READ}
encoder = fit_closed_form(read, usable_views, CONFIG)
real = mean_over_views(encoder.embed(read), usable_views)

seen = known_views(store, workers=-1)
known_usable, known_read = seen["status"] == 1, {name: seen[name] for name in READ}
known_encoder = fit_closed_form(known_read, known_usable, CONFIG)
foreign = mean_over_views(known_encoder.embed(read), usable_views)

top5 = np.array([100 - one.error for one in published])
kinds = np.array([one.family for one in published])
size = {
    "log parameters": np.log([[one.parameters] for one in published]),
    "log multiply-additions": np.log([[float(one["operations"])] for one in kept]),
    "layers": np.array([[float(one["layers"])] for one in kept]),
}
averages = {name: mean_over_views(block.astype(float), usable_views) for name, block in read.items()}
columns = join(*averages.values())
columns = (columns - columns.mean(axis=0)) / np.maximum(columns.std(axis=0), 1e-12)
inputs = principal_components(columns, CONFIG.components)
features = {
    **size,
    "all three": join(*size.values()),
    "jacov": np.array([[one["jacov"].mean()] for one in kept]),
    "log spectrum": averages["spectrum"],
    "own inputs, log parameters": join(inputs, size["log parameters"]),
    "embedding": real,
    "embedding, log parameters": join(real, size["log parameters"]),
    "embedding, all three": join(real, *size.values()),
    "encoder of NAS-Bench-201, log parameters": join(foreign, size["log parameters"]),
}
MAIN, RIVAL = "embedding, log parameters", "log parameters"


def predictions(matrix, by_family):
    """(networks,) what forests say of networks, or families, that they were not fitted to."""
    folds = (GroupKFold if by_family else KFold)(FOLDS, shuffle=True, random_state=seed)
    forest = RandomForestRegressor(TREES, random_state=seed)
    return cross_val_predict(forest, matrix, top5, groups=kinds if by_family else None, cv=folds, n_jobs=-1)


predicted = {
    (name, by_family): predictions(matrix, by_family)
    for name, matrix in features.items()
    for by_family in (False, True)
}

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]


def spearman(values, truth):
    """Rank correlations along the last axis."""
    ranks = [rankdata(each, axis=-1) for each in (values, truth)]
    first, second = (each - each.mean(axis=-1, keepdims=True) for each in ranks)
    return (first * second).sum(axis=-1) / np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1))


def resampled(statistic):
    """A statistic of some rows, given as row numbers, with its bootstrap interval over networks."""

    def of_rows(rows, axis):
        return statistic(np.moveaxis(rows, axis, -1).astype(int))

    return bootstrap_interval(np.arange(len(top5)), 0, of_rows)


def ranked(name, by_family):
    """How well the networks are ranked."""
    return resampled(lambda rows: spearman(predicted[name, by_family][rows], top5[rows]))


def gained(name, rival, by_family):
    """How much better than by a rival, on the same networks."""
    pair = [predicted[each, by_family] for each in (name, rival)]
    return resampled(lambda rows: spearman(pair[0][rows], top5[rows]) - spearman(pair[1][rows], top5[rows]))


ranking = {key: ranked(*key) for key in predicted}
write_table(
    results / "11_embed_your_own_imagenet.csv",
    pd.DataFrame(
        {
            "network": [one.name for one in published],
            "family": kinds,
            "parameters": [one.parameters for one in published],
            "multiply_additions": [int(one["operations"]) for one in kept],
            "layers": [int(one["layers"]) for one in kept],
            "top5": top5,
            "predicted": predicted[MAIN, False],
            "predicted_family_unseen": predicted[MAIN, True],
        }
    ),
)
records += [
    judge(
        f"networks.imagenet.spearman{ending}",
        ranking[MAIN, by_family],
        reason=f"{len(published)} networks, {len(network_images().pixels)} photographs, two initialisations",
        baseline=ranking[RIVAL, by_family].value,
    )
    for ending, by_family in (("", False), ("-by-family", True))
]
write_records(results / "11_embed_your_own.json", records)

best = [max(features, key=lambda name: ranking[name, by_family].value) for by_family in (False, True)]


def cell(name, by_family):
    """A rank correlation, the best of its column in bold."""
    found = str(ranking[name, by_family])
    return f"**{found}**" if name == best[by_family] else found


gains = {rival: gained(MAIN, rival, True) for rival in (RIVAL, "all three", "own inputs, log parameters")}
more = gained("embedding, all three", "all three", True)
Markdown(
    f"Of {len(published)} untrained networks of {len(set(kinds))} families, a forest on {MAIN} ranks those held out at "
    f"Spearman's $\\rho$ = {ranking[MAIN, False].value:.2f}, and at {ranking[MAIN, True].value:.2f} where the whole family is "
    "held out.\n\n"
    + markdown_table(
        ("a forest on", "ten folds", "families held out"),
        [(name, cell(name, False), cell(name, True)) for name in features],
        numeric=(1, 2),
    )
    + "\n\n"
    + "\n".join(
        f"- Families held out, {MAIN} minus {rival}: {signed(gain, 3)}, {told(gain)}." for rival, gain in gains.items()
    )
    + f"\n- The same, embedding with all three minus all three: {signed(more, 3)}, {told(more)}."
)

# %% [markdown]
# *All three* are parameters, multiply-additions and layers. Intervals are 95 % bootstrap intervals over networks; networks
# of one family are alike, so they are somewhat too narrow. For orientation, scores that need no label rank 191 of
# these networks at $\rho$ of .27 (jacob_cov) to .68 (fisher), as published {cite:p}`abdelfattah2021zerocost`; a forest has
# seen labels, they have not.
#
# The plain size of a network is a strong rival. Whoever published a network with more multiplications had a reason to:
# the table of errors holds the networks that were worth publishing. So the third difference matters most: what the
# contrast adds to its own inputs, and the last: what it adds when size is known in every respect.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-imagenet", "caption": "Untrained ImageNet networks: predicted against published top-5 accuracy, in percent, the whole family held out. On the line the prediction is right. The eight networks that are missed by most are named."}, "image": {"alt": "Scatter plot of predicted against published accuracy of ImageNet networks, near the diagonal, with outliers named."}}
outlook = predicted[MAIN, True]
missed = top5 - outlook
worst = np.argsort(-np.abs(missed))[:8]
figure, (panel,) = style.figure(panel_height=4.2)
low = min(top5.min(), outlook.min()) - 1
panel.plot((low, 97), (low, 97), color="0.6", linewidth=0.8)
panel.scatter(top5, outlook, s=14, color=style.COLOURS["blue"], linewidths=0, alpha=0.8)
panel.scatter(top5[worst], outlook[worst], s=18, color=style.COLOURS["vermilion"], linewidths=0)
for place, number in enumerate(sorted(worst, key=lambda number: outlook[number])):
    panel.annotate(
        published[number].name,
        (top5[number], outlook[number]),
        xytext=(4, 4 if place % 2 else -10),
        textcoords="offset points",
        fontsize=7.5,
    )
panel.set(xlabel="published top-5 accuracy (%)", ylabel="predicted (%)", xlim=(low, 97), ylim=(low, 97), aspect="equal")
plt.show()

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
common = [kind for kind in dict.fromkeys(kinds) if np.count_nonzero(kinds == kind) >= 6]


def off(chosen):
    """By how much the predictions of some networks are off, and in which direction, in points."""
    return f"{np.mean(np.abs(missed[chosen])):.1f}", f"{-np.mean(missed[chosen]):+.1f}"


Markdown(
    "The families of at least six networks, each predicted without having seen any of it: how far off the predictions "
    "are in the mean, and by how much too high.\n\n"
    + markdown_table(
        ("family", "networks", "top-5 accuracy (%)", "off by (points)", "too high by (points)"),
        [
            (
                kind,
                str(np.count_nonzero(kinds == kind)),
                f"{top5[kinds == kind].min():.1f} to {top5[kinds == kind].max():.1f}",
                *off(kinds == kind),
            )
            for kind in common
        ],
        numeric=(1, 2, 3, 4),
    )
    + "\n\nThe networks that are missed by most, published and predicted: "
    + ", ".join(f"`{published[number].name}` ({top5[number]:.1f}, {outlook[number]:.1f})" for number in worst)
    + "."
)

# %% [markdown]
# BagNets are ResNets whose last layers see small patches of the image only; they were built to show how far that gets.
# Their Jacobians look like those of a ResNet and their size is the same, but patches of nine pixels do not tell a dog
# from a cat. The others that are rated too high are the narrowest of their families: a quarter of the usual width, or
# less. Their gradients are like those of their wider relatives, and nothing in a Jacobian at the start says that there
# will be too few features at the end. The number of parameters does, but there are few networks so small to learn it
# from.
#
# ## Do these networks need an encoder of their own?
#
# The last row of the table takes an encoder that has seen no ImageNet network: it is fitted to the same readings of
# NAS-Bench-201's cells, at 32x32 pixels. As an encoder it is nearly as good. Its *labels* are another matter:

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
if profile == "quick":
    told_by_labels = "It is not tested under profile `quick`, as the labels of NAS-Bench-201 have to be downloaded."
else:
    known_accuracy = labels.accuracy("nas-bench-201", PROFILES[profile].space.label_key("cifar10"))[
        seen["architectures"]
    ]
    known_embedding = mean_over_views(known_encoder.embed(known_read), known_usable)
    alive = np.isfinite(known_embedding).all(axis=1)
    forest = RandomForestRegressor(TREES, random_state=seed).fit(known_embedding[alive], known_accuracy[alive])
    carried = forest.predict(foreign)
    found = resampled(lambda rows: spearman(carried[rows], top5[rows]))
    told_by_labels = (
        f"a forest that has learned from the CIFAR-10 accuracies of {np.count_nonzero(alive)} of its classes what "
        f"makes a cell good ranks the ImageNet networks at $\\rho$ = {found}."
    )
Markdown(told_by_labels[0].upper() + told_by_labels[1:])

# %% [markdown]
# Below zero, a ranking is upside down. What is good in a cell of fixed width and depth is not what is good among networks
# that differ in both. The space carries over; the ranking has to be learned where it is used.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-imagenet-map", "caption": "A map of real networks: the first two components of their embedding, which tell networks apart best for the noise of initialisation. The eight largest families are coloured; hover shows name, size and accuracy."}}
largest = sorted(common, key=lambda kind: -np.count_nonzero(kinds == kind))[:8]
network_map = go.Figure()
for kind, colour in [(None, "#bbbbbb"), *zip(largest, colours, strict=True)]:
    chosen = np.flatnonzero(~np.isin(kinds, largest) if kind is None else kinds == kind)
    network_map.add_scatter(
        x=real[chosen, 0].round(3).tolist(),
        y=real[chosen, 1].round(3).tolist(),
        mode="markers",
        name=kind or "others",
        marker={"color": colour, "size": 9, "line": {"color": "white", "width": 0.5}},
        text=[
            f"{published[i].name}<br>{published[i].parameters / 1e6:.1f} M parameters, top-5 {top5[i]:.1f} %"
            for i in chosen
        ],
        hovertemplate="%{text}<extra></extra>",
    )
network_map.update_layout(
    template="simple_white",
    height=480,
    margin={"t": 20, "l": 10, "r": 10, "b": 10},
    xaxis_title="first component",
    yaxis_title="second component",
    legend={"orientation": "h", "y": -0.18},
)
HTML(network_map.to_html(include_plotlyjs=False, full_html=False, div_id="fig-imagenet-interactive"))

# %% [markdown]
# ## What this is good for, and what not
#
# A place among known architectures is as good as the likeness to them. The distances of the zoo above are large against
# those among known architectures wherever the warning appears, and a predicted accuracy is then an extrapolation of a
# forest, which cannot extrapolate. The accuracies are also those of the benchmark's own training recipe and scale, which
# a transformer would not be trained by. To compare networks *of your own* with each other, fit an encoder to their
# views instead: the [API page](../api) shows it in five lines.
