"""A network with a memory that it reads and writes. Source: Graves et al. 2014, arXiv:1410.5401."""

from fasts2s.models.turing.model import NeuralTuringMachine, Watched

__all__ = ["NeuralTuringMachine", "Watched"]
