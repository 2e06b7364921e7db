"""Games of two numbers: one belongs to the generator, one to the critic, each has a loss.

The smallest GAN is such a game (chapter 01): all data lie at one point, all generated samples at
another, and the critic is a straight line. It is Dirac-GAN of Mescheder, Geiger and Nowozin 2018,
"Which Training Methods for GANs do actually Converge?", arXiv 1801.04406.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""theta (N,), psi (N,) of N games played side by side -> the sum of their losses, a scalar"""


@dataclass(frozen=True)
class Game:
    """theta goes down generator_loss, psi goes down critic_loss. A state is (theta, psi)."""

    generator_loss: Loss
    critic_loss: Loss

    def field(self, states: Tensor) -> Tensor:
        """Where both players are drawn: (-d generator_loss/d theta, -d critic_loss/d psi).

        states: (..., 2). Returns the same shape.
        """
        flat = states.detach().reshape(-1, 2).requires_grad_(True)
        return self._pull(flat).detach().view_as(states)

    def simultaneous(self, states: Tensor, rate: float) -> Tensor:
        """One round in which both step at once, each from where the other was."""
        return states + rate * self.field(states)

    def alternating(self, states: Tensor, rate: float) -> Tensor:
        """One round in which the critic steps first, and the generator answers its new psi."""
        flat = states.detach().reshape(-1, 2)
        for player in (1, 0):
            moving = flat.clone().requires_grad_(True)
            flat = flat.clone()
            flat[:, player] += rate * self._pull_on(player, moving).detach()
        return flat.view_as(states)

    def jacobian(self, state: Tensor) -> Tensor:
        """Derivative of `field` at one state (2,): (2, 2), entry [i, j] = d field_i / d state_j."""
        return torch.autograd.functional.jacobian(
            lambda one: self._pull(one[None], differentiable=True)[0], state
        )

    def eigenvalues(self, state: Tensor) -> Tensor:
        """Of `jacobian`, (2,) complex: the real part is growth, the imaginary part turning."""
        return torch.linalg.eigvals(self.jacobian(state))

    def _pull(self, states: Tensor, differentiable: bool = False) -> Tensor:
        """`field` of states (N, 2)."""
        return torch.stack([self._pull_on(who, states, differentiable) for who in (0, 1)], dim=1)

    def _pull_on(self, player: int, states: Tensor, differentiable: bool = False) -> Tensor:
        """(N,), of the generator (0) or the critic (1). Games do not touch, so a sum will do."""
        numbers = states.unbind(dim=1)
        loss = (self.generator_loss, self.critic_loss)[player](*numbers)
        return -torch.autograd.grad(loss, numbers[player], create_graph=differentiable)[0]


def point_gan(
    critic_loss: Callable[[Tensor, Tensor], Tensor],
    generator_loss: Callable[[Tensor], Tensor],
    *,
    middle: float = 0.0,
    penalty: float = 0.0,
    spread: float = 0.0,
) -> Game:
    """The smallest GAN: data at 0, generated points at theta, critic middle + psi x.

    critic_loss, generator_loss: losses of scores that are means over samples, as those of
    `lsgan_lib.losses`. middle: the score of somebody who does not know, 0 for cross-entropy and
    (a + b)/2 for least squares. penalty: adds penalty/2 psi^2 to the critic's loss, which is
    penalty/2 times its squared slope. spread: every point, real or generated, is shaken to plus
    and minus this distance.
    """

    def scores(theta: Tensor, psi: Tensor) -> tuple[Tensor, Tensor]:
        shaken = torch.tensor([[-spread], [spread]], dtype=psi.dtype)  # (2, 1)
        real, fake = middle + psi * shaken, middle + psi * (theta + shaken)  # (2, N)
        return real.flatten(), fake.flatten()

    # Each loss is a mean over all points of all N games; N times that is the sum of N losses.
    return Game(
        generator_loss=lambda theta, psi: len(psi) * generator_loss(scores(theta, psi)[1]),
        critic_loss=lambda theta, psi: (
            len(psi) * critic_loss(*scores(theta, psi)) + penalty / 2 * psi.square().sum()
        ),
    )


def play(
    turn: Callable[[Tensor, float], Tensor], start: Tensor, rate: float, rounds: int
) -> Tensor:
    """All states of a game from the start on: (rounds + 1, ..., 2).

    turn: `simultaneous` or `alternating` of a game, or a rule of your own. start: (..., 2).
    """
    states = [start]
    for _ in range(rounds):
        states.append(turn(states[-1], rate))
    return torch.stack(states)
