"""arch2vec's reinforcement learning: a policy that walks through the embedding space."""

import numpy as np
from numpy.typing import ArrayLike

from cena.search.adam import Adam
from cena.search.candidates import Candidates
from cena.search.evaluator import Evaluator
from cena.search.history import History
from cena.search.recurrent import RecurrentPolicy
from cena.stages import Stage

ARCH2VEC_RL = Stage("search.arch2vec-rl", version=1)

_EPISODE, _HIDDEN, _LEARNING_RATE = 16, 128, 0.01


@ARCH2VEC_RL
def arch2vec_rl(candidates: Candidates, guide: ArrayLike, budget: int, seed: int, *, baseline: float = 40.0) -> History:
    r"""Walk by actions of a recurrent policy, and train the policy by REINFORCE after each episode of 16 steps.

    From the embedding of one architecture the policy proposes a mean :math:`\mu_t`; the action is drawn from
    :math:`N(\mu_t, I)` and leads to the nearest architecture that has not been evaluated. After an episode the loss is
    the mean of :math:`-(R_t - b) \log N(a_t; \mu_t, I)`, with the accuracy as a fraction for the reward and a fixed
    baseline b. The policy's cell is 128 wide, and Adam's learning rate is 0.01. The walk goes on from where it is; the
    policy forgets. It begins at a random architecture, which is not evaluated by that.

    Parameters
    ----------
    candidates : the space, n architectures; choices are seen one-hot.
    guide : (n,) accuracy that the search sees, in percent; NaN where there is no label.
    budget : number of evaluations.
    seed : of the run.
    baseline : in percent; the source has 40 on NAS-Bench-201 and 95 on NAS-Bench-101.

    Raises
    ------
    InputError
        As :class:`cena.search.evaluator.Evaluator` does.

    Source: Yan et al., "Does unsupervised architecture representation learning help neural architecture search?"
    (NeurIPS 2020), and its released code. That code takes the second nearest architecture; here it is the nearest, as
    the paper says.
    """
    space = candidates.vectors
    evaluator = Evaluator(space, guide, budget, seed)
    generator = np.random.default_rng(evaluator.seeds.spawn(1)[0])
    policy = RecurrentPolicy(space.dimensions, _HIDDEN, generator)
    adam = Adam(policy.weights, _LEARNING_RATE)
    state = space.positions[generator.integers(len(space))]
    while evaluator.remaining:
        slopes = []
        for _ in range(min(_EPISODE, evaluator.remaining)):
            mean = policy(state)
            action = mean + generator.standard_normal(len(mean))
            reward = evaluator.evaluate_nearest(action)
            state = space.positions[evaluator.evaluated[-1]]
            slopes.append(-(reward - baseline) / 100 * (action - mean))
        adam.step(policy.gradients(np.stack(slopes) / _EPISODE))
        policy.forget()
    return evaluator.history("arch2vec-rl")
