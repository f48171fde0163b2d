"""The contrastive encoder: from the EPDJMs of a space's networks to their embeddings (the paper's sections 4.1-4.2)."""

from cena.contrast.barlow_twins import barlow_twins, cross_correlation
from cena.contrast.closed_form import ClosedForm, load_closed_form
from cena.contrast.closed_form_fit import ClosedFormConfig, fit_closed_form, fit_joint_closed_form
from cena.contrast.encoder import EncoderConfig, TrainedEncoder, load_encoder, save_encoder, untrained_encoder
from cena.contrast.encoding import encode, encode_views
from cena.contrast.inputs import SpectrumScale, encoder_input, spectrum_scale
from cena.contrast.mixer import Encoder, MixerConfig
from cena.contrast.similarity import retrieval_accuracy, same_class_margin
from cena.contrast.training import train_encoder

__all__ = [
    "ClosedForm",
    "ClosedFormConfig",
    "Encoder",
    "EncoderConfig",
    "MixerConfig",
    "SpectrumScale",
    "TrainedEncoder",
    "barlow_twins",
    "cross_correlation",
    "encode",
    "encode_views",
    "encoder_input",
    "fit_closed_form",
    "fit_joint_closed_form",
    "load_closed_form",
    "load_encoder",
    "retrieval_accuracy",
    "same_class_margin",
    "save_encoder",
    "spectrum_scale",
    "train_encoder",
    "untrained_encoder",
]
