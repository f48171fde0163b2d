"""Genotypes that searches of the DARTS space have found.

With 36 channels and 20 cells their networks have the parameters that the papers give, the auxiliary head left out:
DARTS 3,349,342 (3.3 M), P-DARTS 3,433,798 (3.4 M), arch2vec with REINFORCE 3,298,150 (3.3 M) and with Bayesian
optimisation 3,616,966 (3.6 M).

Source: the released `genotypes.py` of github.com/quark0/darts, chenxin061/pdarts and AIoT-MLSys-Lab/arch2vec.
"""

from cena.spaces.darts.genotypes import Genotype, parse_genotype

_ARCH2VEC_RL = (
    "[('sep_conv_3x3', 0), ('dil_conv_3x3', 1), ('max_pool_3x3', 0), ('dil_conv_3x3', 1), "
    "('skip_connect', 0), ('sep_conv_3x3', 1), ('dil_conv_5x5', 1), ('sep_conv_3x3', 0)]"
)
_ARCH2VEC_BO = (
    "[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('skip_connect', 0), ('dil_conv_3x3', 1), "
    "('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), ('sep_conv_3x3', 0)]"
)
_CELLS = {
    "DARTS": (
        "[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
        "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)]",
        "[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), "
        "('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)]",
    ),
    "P-DARTS": (
        "[('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), "
        "('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 0), ('dil_conv_5x5', 4)]",
        "[('avg_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), "
        "('max_pool_3x3', 0), ('dil_conv_3x3', 1), ('dil_conv_3x3', 1), ('dil_conv_5x5', 3)]",
    ),
    "arch2vec-RL": (_ARCH2VEC_RL, _ARCH2VEC_RL),
    "arch2vec-BO": (_ARCH2VEC_BO, _ARCH2VEC_BO),
}

PUBLISHED_GENOTYPES: dict[str, Genotype] = {
    name: parse_genotype(
        f"Genotype(normal={normal}, normal_concat=range(2, 6), reduce={reduce}, reduce_concat=range(2, 6))"
    )
    for name, (normal, reduce) in _CELLS.items()
}
"""By the name of the method. DARTS's is of its second order (`DARTS_V2`)."""
