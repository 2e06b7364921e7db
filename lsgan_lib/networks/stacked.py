"""Many networks of one architecture as one: every layer of all of them is one matrix product.

Ten small networks cost ten times the overhead of one, when they are trained one after the other.
Stacked, they share it. The networks stay strangers: no number of one reaches another.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

Weights = dict[str, Tensor]


class Stack:
    """S networks: inputs (S, N, ...) -> outputs (S, N, ...), slice s by network s.

    Built on torch.func. Raises ValueError for networks with buffers (BatchNorm's running means):
    those would have to be changed inside a call, which torch.func does not do.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        if not networks:
            raise ValueError("a stack needs at least one network.")
        self.weights: Weights
        self.weights, buffers = stack_module_state(list(networks))
        if buffers:
            raise ValueError(
                f"these networks keep buffers ({', '.join(buffers)}), which a stack cannot update. "
                "Take networks without BatchNorm."
            )
        self._plan = copy.deepcopy(networks[0])  # the architecture; its own weights are not used

    def __len__(self) -> int:
        return len(next(iter(self.weights.values())))

    def parameters(self) -> list[Tensor]:
        """Every weight, with the networks along the first dimension, for an optimiser.

        Adam treats each number on its own, so one optimiser for all is S optimisers.
        """
        return list(self.weights.values())

    def call_one(self, weights: Weights, inputs: Tensor) -> Tensor:
        """The architecture with the weights of one network: (N, ...) -> (N, ...)."""
        return functional_call(self._plan, weights, (inputs,))

    def __call__(self, inputs: Tensor) -> Tensor:
        """inputs: (S, N, ...). Returns (S, N, ...)."""
        if len(inputs) != len(self):
            raise ValueError(f"{len(self)} networks need as many batches, not {len(inputs)}.")
        return vmap(self.call_one)(self.weights, inputs)

    def one(self, index: int) -> Weights:
        """The weights of one network, views into the stack."""
        return {name: weight[index] for name, weight in self.weights.items()}

    def network(self, index: int) -> nn.Module:
        """A copy of one network, as an ordinary module."""
        network = copy.deepcopy(self._plan)
        network.load_state_dict({name: w.detach() for name, w in self.one(index).items()})
        return network
