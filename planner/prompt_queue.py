"""How long does a prompt wait on a replica, for the step at work and for prompts that came before it?

Where steps carry prompts beside decoding, those that come during one step are all worked on in the next: a queue with
gates. A cycle takes `step_s`, and `prompt_s` for each prompt in it; of such a cycle C, E[C] = s / (1 - b) and
E[C^2] / E[C] = s / (1 - b) + b p / (1 - b^2), with s, p and b as below (from E[C'|C] = s + b C and a number of
prompts that is Poisson's). Who comes at random meets the rest of a cycle, half of it on average,
and shares the next one with b E[C^2] / E[C] of others' work. Where prompts have steps of their own they are
served one after the other (M/D/1, Pollaczek and Khinchine), and may first meet the rest of a step that decodes.
Works on numbers and on arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct


class PromptQueue(Struct, frozen=True, kw_only=True):
    """Prompts that come at random to a replica. Seconds.

    `step_s` is a step without prompts, `prompt_s` what one prompt adds, `busy` the share of time that prompts take, in
    steps with others' tokens where it `mixes`; `occupied` the share in which it has any work, outside of which nobody
    waits.
    """

    step_s: Any
    prompt_s: Any
    busy: Any
    mixes: Any
    occupied: Any = 1.0

    @property
    def wait_s(self) -> Any:
        """Mean seconds that a prompt waits, beyond its own work."""
        gated = (0.5 + self.busy) * self._met_s
        return self.occupied * np.where(self.mixes, gated, self._rest_s + self._others_s)

    @property
    def _met_s(self) -> Any:
        """Mean length of the cycle that an arrival meets."""
        return self.step_s / (1 - self.busy) + self.busy * self.prompt_s / (1 - self.busy**2)

    @property
    def _rest_s(self) -> Any:
        return (1 - self.busy) * self.step_s / 2

    @property
    def _others_s(self) -> Any:
        return self.busy / (2 * (1 - self.busy)) * self.prompt_s
