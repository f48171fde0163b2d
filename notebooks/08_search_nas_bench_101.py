# ---
# jupyter:
#   cena:
#     needs: [topology, nas-bench-101, arch2vec-curves]
#     version: 3
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Searching NAS-Bench-101
#
# In NAS-Bench-101 {cite:p}`ying2019nasbench101` a cell is a graph of up to seven vertices, so the raw encoding is of 21
# possible edges and five operations instead of six operations. Section 5.2 of the paper {cite:p}`anonymous2021cena`
# searches a part of it, and there **REINFORCE on the raw encoding wins** (Fig. 5d). arch2vec
# {cite:p}`yan2020arch2vec` was published on the whole of it.

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run
runs: int = 0  # [0 | 2..1000] repeated searches of each method; 0: the profile's number
budget: int = 0  # [0..2000] cells that each search evaluates; 0: the profile's number

# %% tags=["hide-input"]
import json
from dataclasses import replace

import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown, display

from cena.arch2vec import (
    Arch2vecConfig,
    nas_bench_201_graphs,
    valid_nas_bench_101_cells,
    valid_nas_bench_201_cells,
)
from cena.companion.project import results_folder
from cena.data import labels, registry
from cena.data.public_files import ARCH2VEC_CURVES
from cena.evaluate import (
    evaluations_to_reach,
    fill_dead,
    judge,
    log_spectrum,
    mean_interval,
    not_run,
    reach,
    top_regret,
    write_records,
    write_table,
)
from cena.report.claims import SEARCH_CLAIMS, change_rows, claim_sentence, evidence, evidence_table, lowest, untold
from cena.report.neighbourhoods import BEST, RATED, nearest_others, rated_neighbours, rating_rows, the_best
from cena.report.search_figures import (
    PAPER_METHODS,
    curves,
    difference_rows,
    draw_panels,
    explorer,
    other_methods,
    regret_axis,
    regret_rows,
)
from cena.report.style import METHOD_STYLES, figure, use_style
from cena.report.tables import markdown_table, method_part, records_counted
from cena.report.wording import counted
from cena.search import CategoricalCandidates, ContinuousCandidates, VectorCandidates
from cena.study.closed_forms import ClosedFormEmbedding
from cena.study.joint import JointEmbedding
from cena.study.pipeline import Pipeline
from cena.study.profiles import between_spaces, of_nas_bench_101
from cena.study.profiles import profile as settings_of
from cena.study.protocols import NOISELESS, TIMED, Protocol, protocols, regrets, searched
from cena.study.representations import (
    arch2vec,
    arch2vec_quality,
    components,
    in_unit_cube,
    labelled_nas_bench_101_graphs,
    nas_bench_101_candidates,
    spread_like,
    with_parameters,
)
from cena.study.scale import benchmark
from cena.study.searches import LEFT_OUT, Search

use_style()
settings = settings_of(profile)
stand_in = settings.space.name.startswith("digits")
topologies = between_spaces(settings)
pipeline = Pipeline(settings if stand_in else of_nas_bench_101(settings))
settings, store = pipeline.profile, pipeline.store
space = benchmark(settings.space.name)
runs = runs or settings.search.runs
budget = budget or settings.search.budget
checkpoints = [n for n in (50, 100, 150, 200) if n <= budget] or [budget]
seeds = [settings.seed + run for run in range(runs)]
results = results_folder(profile)
stem = "08_search_nas_bench_101"

[dataset] = settings.space.datasets
key = settings.space.label_key(dataset)
if stand_in:
    raw, graphs, arch2vec_settings, baseline = (
        CategoricalCandidates(*space.choices()),
        nas_bench_201_graphs(space.cells),
        {},
        40.0,
    )
else:
    raw, graphs, arch2vec_settings, baseline = (
        nas_bench_101_candidates(store, space),
        labelled_nas_bench_101_graphs(),
        {"kinds": 5, "epochs": 8},
        95.0,
    )
    mean = replace(key, split="test", trials="mean")
    key = mean if mean in labels.available(space.name) else key

Markdown(
    f"This page was computed under profile `{profile}`: {runs} searches of {budget} evaluations for each method. "
    + (
        "**It stands on the bundled digits benchmark, whose cells are those of NAS-Bench-201**: the labels of "
        "NAS-Bench-101 have to be fetched, and this profile needs no download. What is said below of NAS-Bench-101 "
        "is therefore not tested here; profiles `laptop` and `paper` do that."
        if stand_in
        else f"Searched are the {len(space):,} labelled cells. The Jacobians behind the CENA coordinates are of networks "
        f"with {settings.views.cells} cell{'s' * (settings.views.cells > 1)} a stack, {settings.views.channels} channels at the stem "
        f"(the benchmark's have 3 and 128) and {settings.views.resolution}x{settings.views.resolution} images, in {settings.views.per_class} "
        "views; the encoder of the paper's recipe is that of [chapter 9](09_transfer), trained on this space and "
        "NAS-Bench-201 together. "
        + (
            "They have **one validation trial each and no test accuracy**: searches see the very number they are judged "
            "by, and the best cell is partly the luckiest. With the official archive imported (`cena data import "
            "nas-bench-101`) this page searches all cells, judged by mean test accuracy."
            if key.split == "validation"
            else "They come from the official archive and have three trainings each."
        )
    )
)

# %% [markdown]
# ## What every method searches
#
# All methods are restricted to the labelled cells in the same way: nothing else can be evaluated, and regret (equation
# {eq}`eq:regret` of the [last chapter](07_search_nas_bench_201)) is against the best of them. TPE and DE evaluate the
# labelled cell nearest to what they propose: in Euclidean distance on CENA and arch2vec, in Hamming distance on the raw
# encoding. On CENA, where cells of one class share a place, a class is proposed once. The greedy forest and the Gaussian
# process are given log parameters with the embedding, with the one-hot raw encoding, or with both. "Mixer" is the
# paper's recipe for CENA, the trained MLP-Mixer. **Declared beforehand as the best use of the embedding: the Gaussian
# process on both**, as in the [last chapter](07_search_nas_bench_201). Local search and evolution move by an edit, an edge more or less or another
# operation; edits that lead to an unlabelled cell do not exist. REINFORCE samples codes until they describe a labelled
# cell that is new. As only some cells have labels, this hurts the methods that move by edits most.

# %%
variants = {
    variant: Arch2vecConfig(variant=variant, seed=settings.seed, **arch2vec_settings)
    for variant in ("faithful", "fixed")
}
pretrained = {variant: VectorCandidates(arch2vec(store, graphs, config)) for variant, config in variants.items()}
parameters, classes = [space.parameters(index) for index in range(len(space))], space.classes()
boxed = in_unit_cube(pretrained["faithful"].positions)
one_hot = with_parameters(parameters, space.one_hot())
walk = (("baseline", baseline),)
in_batches = (("batch", 5),)

planned = [
    Search("random", "random", raw),
    Search("TPE on arch2vec", "tpe", boxed),
    Search("DE on arch2vec", "differential-evolution", boxed),
    Search("TPE on raw encoding", "tpe", raw),
    Search("DE on raw encoding", "differential-evolution", raw),
    Search("REINFORCE", "reinforce", raw),
    Search("local search", "local-search", raw),
    Search("evolution", "evolution", raw),
    Search("arch2vec-RL", "arch2vec-rl", pretrained["faithful"], walk),
    Search("arch2vec-RL, fixed", "arch2vec-rl", pretrained["fixed"], walk),
    Search("arch2vec-BO", "arch2vec-bo", pretrained["faithful"], in_batches),
    Search("arch2vec-BO, fixed", "arch2vec-bo", pretrained["fixed"], in_batches),
    Search("forest on raw encoding", "greedy-forest", one_hot, in_batches),
    Search("GP on raw encoding", "gaussian-process", one_hot.each_class_once(classes)),
]


def searches_on(coordinates, embedding, coordinates_of_recipe):
    """The searches that see the embedding, or its layout, or the layout of the paper's recipe."""
    cena, mixer = (
        ContinuousCandidates(places).each_class_once(classes) for places in (coordinates, coordinates_of_recipe)
    )
    embedded, both = (
        with_parameters(parameters, *blocks).each_class_once(classes)
        for blocks in ((embedding,), (embedding, space.one_hot()))
    )
    return [
        Search("TPE on CENA", "tpe", cena),
        Search("DE on CENA", "differential-evolution", cena),
        Search("RL on CENA", "arch2vec-rl", spread_like(coordinates, pretrained["faithful"].positions), walk),
        Search("DNGO on CENA", "arch2vec-bo", cena, in_batches),
        Search("TPE on Mixer", "tpe", mixer),
        Search("DE on Mixer", "differential-evolution", mixer),
        Search("GP on embedding", "gaussian-process", embedded),
        Search("GP on both", "gaussian-process", both),
        Search("forest on embedding", "greedy-forest", embedded, in_batches),
        Search("forest on both", "greedy-forest", both, in_batches),
    ]


seeing = []
if len(space) == len(pipeline.space):
    ours = ClosedFormEmbedding(pipeline)
    embedding = pipeline.per_architecture(ours.embedding)
    recipe = (
        pipeline.coordinates if stand_in else JointEmbedding([pipeline, Pipeline(topologies, store)]).coordinates(0)
    )
    seeing = searches_on(ours.coordinates, embedding, recipe)
planned = [planned[0], *seeing, *planned[1:]]
searches = [search for search in planned if search.runs(runs)]
left_out = [search.label for search in planned if not search.runs(runs)]
on_cena = {search.label for search in seeing}

# %% tags=["hide-input"]
edits = np.diff(raw.neighbours.starts)
Markdown(
    f"A cell has {np.median(edits):.0f} labelled neighbours in the median, and {np.mean(edits == 0):.0%} have none. "
    f"arch2vec is pre-trained on nine tenths of the {len(graphs):,} searched cells. "
    + (f"Slow methods left out here (chapter before): {'; '.join(left_out)}. " if left_out else "")
    + ("" if seeing else f"CENA is left out: Jacobians were taken of a sample of {len(pipeline.space):,} cells only. ")
)

# %% [markdown]
# How well arch2vec is pre-trained, as in the [last chapter](07_search_nas_bench_201): what it reconstructs of
# held-out graphs, how many graphs decoded from the prior are cells and how many of these are distinct, and whether its distances follow
# edit distances.

# %% tags=["hide-input"]
judged_valid = {"valid": valid_nas_bench_201_cells if stand_in else valid_nas_bench_101_cells}
qualities = {variant: arch2vec_quality(store, graphs, config, judged_valid) for variant, config in variants.items()}
header = ["variant", *qualities["faithful"]]
rows = [[variant, *quality.values()] for variant, quality in qualities.items()]
Markdown(markdown_table(header, rows, range(1, len(header))))

# %%
by_name = {protocol.name: protocol for protocol in protocols(space.name, key, budget)}
if not stand_in and key.split == "validation":
    noiseless = by_name[NOISELESS]
    seconds = labels.train_seconds(space.name, key)
    by_name[TIMED] = Protocol(TIMED, noiseless.guide, noiseless.report, key, key, budget, seconds, 100_000)

found = {
    (dataset, name): of_name
    for name, of_name in searched(store, searches, list(by_name.values()), seeds, pipeline.workers).items()
}
plain = found[dataset, NOISELESS]
tables = {name: curves(of_name) for (_, name), of_name in found.items()}

# %% [markdown]
# ## Regret against evaluations and simulated time

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig:search-101", "caption": "Regret of the best cell found so far (Fig. 5d of the paper): mean over repeated searches, with its 95 % interval as a band. The paper's methods and the same optimisers on the raw encoding. Blue sees CENA, green arch2vec, red the raw encoding. On NAS-Bench-101 each cell has one validation trial, which both guides and judges; there is no test accuracy unless the official archive was imported."}, "image": {"alt": "Regret against evaluated cells, and simulated time where training was timed, one curve for each search method of the paper."}}
draw_panels(tables, PAPER_METHODS, {name: of_name.expected for (_, name), of_name in found.items()})

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig:search-101-others", "caption": "The same for the methods that the paper leaves out, with TPE to compare. Blue sees CENA, green and purple arch2vec, red and orange the raw encoding. Slow methods with fewer runs have bars for intervals."}, "image": {"alt": "Regret against evaluated cells, and simulated time where training was timed, one curve for each other search method."}}
draw_panels(tables, other_methods([search.label for search in searches]))

# %% tags=["hide-input"]
at = {
    name: {f"after {n}" if n else "when time is spent": (of_name, n) for n in of_name.points(checkpoints)}
    for (_, name), of_name in found.items()
}
for name, columns in at.items():
    table = markdown_table(["method", *columns], regret_rows(columns), range(1, 1 + len(columns)))
    display(Markdown(f"Mean regret in points [95 % interval]; median, **{name}**:\n\n{table}"))

# %% [markdown]
# The same as differences from two rivals, with the 95 % interval of the difference of the means, in bold type where it
# excludes zero; negative is less regret than the rival's. Random
# search is its exact expectation, except in simulated time, where it is simulated.

# %% tags=["hide-input", "hide-output"]
for rival in ("TPE on raw encoding", "random"):
    for name, columns in at.items():
        table = markdown_table(["method", *columns], difference_rows(columns, rival), range(1, 1 + len(columns)))
        display(Markdown(f"Regret less that of {rival}, **{name}**:\n\n{table}"))

# %% [markdown]
# The evaluations after which a search has found one of the best thousandth of the cells, and the same numbers to explore:

# %% tags=["hide-input"]
arrivals = {
    label: reach(evaluations_to_reach(values, top_regret(by_name[NOISELESS].report)))
    for label, values in plain.tables.items()
}
rows = [[label, str(arrival)] for label, arrival in arrivals.items()]
display(Markdown(markdown_table(["method", "evaluations to the top 0.1 %: median, interval, never"], rows)))
HTML(explorer(tables, "fig5d-interactive"))

# %% [markdown]
# ## arch2vec's published curves
#
# arch2vec's authors publish one mean curve for each method, against simulated time. They searched all 423,624 cells.
# Their arch2vec methods were guided by validation labels averaged over three trainings and the rivals by single ones, so
# the published comparison is not an even one. Here every method has the same labels.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig:search-101-published", "caption": "Left: validation regret as published by arch2vec's authors, on all cells of NAS-Bench-101. Right: the same methods in this run, on the labelled cells, from one validation trial. Both axes are the same; the two spaces and labels are not."}, "image": {"alt": "Validation regret against simulated hours, published on the left and this run on the right, one curve for each method."}}
published = []
if TIMED not in tables:
    display(Markdown("*Not drawn in this run: training was not timed here.*"))
else:
    for label, name in ARCH2VEC_CURVES.items():
        curve = json.loads(registry.fetch(name).read_text())
        hours, regret = np.array(curve["time_plot"]) / 3600, 100 * np.array(curve["valid_plot"])
        published += [(label, *point) for point in zip(hours, regret, strict=True)]
    published = pd.DataFrame(published, columns=["method", "hours", "regret"])
    drawn, panels = figure(columns=2, panel_height=3.4)
    timed_here = tables[TIMED].rename(columns={"at": "hours"})
    for panel, table, title in zip(panels, (published, timed_here), ("published", "this run"), strict=True):
        for label, curve in table[table["method"].isin(ARCH2VEC_CURVES)].groupby("method", sort=False):
            panel.plot(curve["hours"], curve["regret"], label=label, **METHOD_STYLES[label])
        panel.set(title=title, xlabel="simulated hours", xlim=(0, timed_here["hours"].max()))
        regret_axis(panel)
        panel.set_ylim(0.1, 6)
    panels[0].set_ylabel("validation regret (percentage points)")
    names, handles = panels[0].get_legend_handles_labels()[::-1]
    drawn.legend(handles, names, loc="outside lower center", ncols=5)

# %% [markdown]
# ## Claims, tested
#
# As in the last chapter: differences in regret, the first search minus the second, with the 95 % interval of the
# difference of two means over all runs of both. That REINFORCE wins is a claim about all other methods at once, so it
# has a table.

# %% tags=["hide-input"]
against_all = [(f"REINFORCE beats {label}", "REINFORCE", label) for label in plain.tables if label != "REINFORCE"]
claims = [*against_all, *SEARCH_CLAIMS]
ends = sorted({checkpoints[0], checkpoints[-1]})
proof = evidence(claims, found, ends)
against_reinforce = {theirs: [each for each in proof if each.about == claim] for claim, _, theirs in against_all}
verdicts = {theirs: {each.verdict for each in seen} for theirs, seen in against_reinforce.items()}
ahead, behind = ([theirs for theirs, seen in verdicts.items() if seen == {word}] for word in ("better", "worse"))
display(
    Markdown(
        f"**REINFORCE wins: {'borne out' if len(ahead) == len(verdicts) else 'not borne out'}.** At every point its "
        f"regret is lower than that of {len(ahead)} of the {len(verdicts)} other methods, and higher than that of "
        f"{len(behind)}" + (f" ({', '.join(behind)})" if behind else "") + ", with an interval that excludes zero:"
    )
)
header = [
    "regret of REINFORCE minus that of",
    *(
        f"{each.evaluations}"
        if each.protocol == NOISELESS
        else each.protocol + f", {each.evaluations}" * (each.evaluations > 0)
        for each in next(iter(against_reinforce.values()))
    ),
]
rows = [[theirs, *(each.number for each in seen)] for theirs, seen in against_reinforce.items()]
display(Markdown(markdown_table(header, rows, range(1, len(header)))))
for claim, first, second in claims:
    if first != "REINFORCE" or second == "TPE on CENA":
        display(Markdown(claim_sentence(claim, proof)))

# %% [markdown]
# ## Why, and what is the best use of the embedding?
#
# As in the last chapter, one thing is changed at a time, under the noiseless protocol:
#
# - **The layout.** TPE and the greedy forest get the embedding in place of the two
#   coordinates of the square, TPE and DE its first 4 dimensions, all with log parameters.
# - **Each class once.** TPE may propose further cells of a class that it has evaluated.
# - **The parameter count.** TPE gets the square alone, or log parameters alone.
# - **The nearest cell** (equation {eq}`eq:snap`). The greedy forest and the Gaussian process score every cell itself.
# - **The embedding.** TPE and the greedy forest get arch2vec's 16 dimensions in place of the embedding's, all else being
#   equal; the forest also gets the raw encoding in place of the embedding.
# - **The encoder.** The forest gets the first 16 principal components of the logarithms of the singular values of the same
#   Jacobians (equation {eq}`eq:epdjm`), without an encoder.

# %% tags=["hide-input"]
probed = plain
if seeing:
    coordinates = next(search for search in seeing if search.label == "TPE on CENA").candidates.positions
    embedded = in_unit_cube(with_parameters(parameters, embedding).positions).each_class_once(classes)
    first = in_unit_cube(with_parameters(parameters, embedding[:, :4]).positions).each_class_once(classes)
    spectrum = pipeline.per_architecture(components(fill_dead(log_spectrum(pipeline.spectrum))))
    probes = [
        Search("TPE on components", "tpe", embedded),
        Search("TPE, classes again", "tpe", ContinuousCandidates(coordinates)),
        Search("TPE on 4 components", "tpe", first),
        Search("DE on 4 components", "differential-evolution", first),
        Search("TPE on the square", "tpe", ContinuousCandidates(coordinates[:, :2]).each_class_once(classes)),
        Search("TPE on parameters", "tpe", ContinuousCandidates(coordinates[:, 2:]).each_class_once(classes)),
        Search(
            "forest on CENA", "greedy-forest", ContinuousCandidates(coordinates).each_class_once(classes), in_batches
        ),
        Search("forest on arch2vec", "greedy-forest", with_parameters(parameters, boxed.positions), in_batches),
        Search("forest on spectrum", "greedy-forest", with_parameters(parameters, spectrum), in_batches),
    ]
    probed = replace(
        plain,
        tables=plain.tables
        | {
            probe.label: regrets(store, probe, by_name[NOISELESS], seeds, pipeline.workers)
            for probe in probes
            if probe.runs(runs)
        },
    )
changes = [
    ("layout: TPE on the embedding, not the square", "TPE on components", "TPE on CENA"),
    ("layout: TPE on 4 components, not the square", "TPE on 4 components", "TPE on CENA"),
    ("layout: DE on 4 components, not the square", "DE on 4 components", "DE on CENA"),
    ("layout: forest on the embedding, not the square", "forest on embedding", "forest on CENA"),
    ("each class once: TPE may propose a class again", "TPE, classes again", "TPE on CENA"),
    ("parameters: TPE on the square alone", "TPE on the square", "TPE on CENA"),
    ("parameters: TPE on log parameters alone", "TPE on parameters", "TPE on CENA"),
    ("nearest cell: forest, not TPE, on CENA", "forest on CENA", "TPE on CENA"),
    ("nearest cell: Gaussian process, not TPE, on the embedding", "GP on embedding", "TPE on components"),
    ("embedding: TPE on arch2vec, not the components", "TPE on arch2vec", "TPE on components"),
    ("embedding: TPE on arch2vec, not 4 components", "TPE on arch2vec", "TPE on 4 components"),
    ("embedding: DE on arch2vec, not 4 components", "DE on arch2vec", "DE on 4 components"),
    ("embedding: forest on arch2vec, not the embedding", "forest on arch2vec", "forest on embedding"),
    ("embedding: forest on the raw encoding, not the embedding", "forest on raw encoding", "forest on embedding"),
    ("embedding: forest on both, not the embedding", "forest on both", "forest on embedding"),
    ("embedding: Gaussian process on the raw encoding, not the embedding", "GP on raw encoding", "GP on embedding"),
    ("embedding: Gaussian process on both, not the raw encoding", "GP on both", "GP on raw encoding"),
    ("encoder: forest on the spectrum, not the embedding", "forest on spectrum", "forest on embedding"),
]
effects = evidence(changes, {(dataset, NOISELESS): probed}, ends)
if effects:
    header = ["what is changed", f"after {ends[0]}", "verdict"]
    display(
        Markdown(
            f"What the change does to mean regret after {ends[0]} evaluations, with its 95 % interval; negative is "
            f"better. The verdict counts intervals that exclude zero, there and after {ends[-1]} evaluations.\n\n"
            + markdown_table(header, change_rows(effects), (1,))
        )
    )
if missing := untold(changes, effects):
    why = "as slow methods are left out" if seeing else "without CENA"
    display(Markdown(f"Not run here, {why}: {'; '.join(missing)}."))

# %% tags=["hide-input"]
if seeing:
    alone = [each.verdict for each in effects if each.about.endswith("log parameters alone")]
    if set(alone) == {"better"}:
        told = "does better: what the square adds costs more evaluations than it saves"
    elif set(alone) == {"worse"}:
        told = "does worse: the square tells what log parameters do not"
    else:
        told = "is not told apart at every point"
    four = [each.verdict for each in effects if each.about.endswith("4 components, not the square")]
    display(
        Markdown(
            f"**Is the square too coarse?** With the first four components in place of it TPE and DE are {counted(four)} "
            "intervals."
        )
    )
    report = by_name[NOISELESS].report
    small = coordinates[:, 2] <= np.quantile(coordinates[:, 2], 0.1)
    display(
        Markdown(
            f"**TPE on log parameters alone**, without any Jacobian, {told}. Log parameters also decide how DE starts: "
            f"its first {15 * coordinates.shape[1]} points are uniform in the box, and the tenth of the cells with the fewest "
            f"parameters takes up {coordinates[small, 2].max():.0%} of the third coordinate. Their mean accuracy is "
            f"{np.nanmean(report[small]):.1f} %, that of all cells {np.nanmean(report):.1f} %. Random search draws "
            "cells and not points."
        )
    )

# %% [markdown]
# What a search by distances can know is how good the neighbours of good cells are. For a cell take its 10 nearest
# neighbours of other classes and compare its accuracy with their mean, as in the
# [last chapter](07_search_nas_bench_201): over a random sample of the space, and within its best 5 %.

# %% tags=["hide-input"]
NEIGHBOURS, SAMPLE = 10, 1500
if seeing:
    drawn = np.random.default_rng(settings.seed).permutation(np.flatnonzero(np.isfinite(report)))[:SAMPLE]
    asked = np.union1d(drawn, the_best(report))
    geometries = {
        "CENA coordinates": ContinuousCandidates(coordinates),
        "square only": ContinuousCandidates(coordinates[:, :2]),
        "embedding": VectorCandidates(embedding),
        "log spectrum": VectorCandidates(spectrum),
        "arch2vec": pretrained["faithful"],
        "raw encoding": raw,
    }
    neighbours = {
        geometry: nearest_others(
            lambda one, seen=seen: seen.distances(seen.positions[one]),
            asked,
            pipeline.classes,
            NEIGHBOURS,
            settings.seed,
        )
        for geometry, seen in geometries.items()
    }
    local = rated_neighbours(report, asked, neighbours, drawn)
    display(Markdown(markdown_table(RATED, rating_rows(local), range(1, 5))))

# %% tags=["hide-input"]
if seeing:
    n = checkpoints[0]
    informed = on_cena | {probe.label for probe in probes} - {"TPE on parameters", "forest on arch2vec"}
    labelled = set(probed.tables) - {"random"}
    best, regret = lowest(probed, n, labelled & informed)
    plain_best, plain_regret = lowest(probed, n, labelled - informed)
    sharpest = local.set_index("geometry")["best_in_top"].idxmax()
    display(
        Markdown(
            f"After {n} evaluations the lowest mean regret of any search that sees the Jacobians is {regret:.2f} "
            f"({best}), and of all others {plain_regret:.2f} ({plain_best}); both are chosen after the fact, which "
            f"flatters them. TPE on CENA is at {probed.at('TPE on CENA', n).mean():.2f}, on arch2vec at "
            f"{probed.at('TPE on arch2vec', n).mean():.2f}. Most of the neighbours of the best {BEST} cells are among the best 5 % in: "
            f"{sharpest}."
            + (
                ""
                if stand_in
                else f" Jacobians are of networks with {settings.views.cells} of the benchmark's 3 cells a stack and "
                f"{settings.views.channels} of its 128 channels; [chapter 10](10_ablations) measures what that changes."
            )
        )
    )

# %% [markdown]
# ## Records
#
# As in the last chapter: a method on CENA is judged against the lowest mean regret of all methods that do without it,
# any other against the exact expectation of random search.


# %% tags=["hide-input"]
def record(label, n):
    table = plain.tables[label]
    _, trivial = lowest(plain, n, set(plain.tables) - on_cena)
    return judge(
        f"fig5.{space.name}.{key.dataset}.{method_part(label)}.regret@{n}",
        mean_interval(table[:, n - 1]),
        reason=f"profile {profile}: {len(table)} runs, {len(space):,} cells",
        baseline=trivial if label in on_cena else plain.expected[n - 1],
    )


records = [] if stand_in else [record(label, n) for label in plain.tables for n in checkpoints]
unrun = dict.fromkeys(left_out, LEFT_OUT)
if stand_in:
    unrun |= {search.label: "stands on the digits benchmark" for search in planned}
records += [
    not_run(f"fig5.nas-bench-101.cifar10.{method_part(label)}.regret@{n}", f"profile {profile}: {why}")
    for label, why in unrun.items()
    for n in checkpoints
]
write_records(results / f"{stem}.json", records)
write_table(results / f"{stem}_regret.csv", pd.concat([table.assign(protocol=name) for name, table in tables.items()]))
write_table(results / f"{stem}_claims.csv", evidence_table(proof, "claim"))
if seeing:
    write_table(results / f"{stem}_changes.csv", evidence_table(effects, "change"))
    write_table(results / f"{stem}_neighbours.csv", local)

Markdown(
    records_counted(records)
    + f" Files: `{stem}.json` and the tables `{stem}_regret.csv`, `{stem}_claims.csv`"
    + (f", `{stem}_changes.csv`, `{stem}_neighbours.csv`." if seeing else ".")
)
