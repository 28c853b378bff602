"""How does a replica answer under each kind of load: clients that wait, a batch at once, arrivals at random?

Mean values in closed form, from the steps of planner.replica. Works on numbers and on arrays of them: many layouts, or
many measured runs at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.prompt_queue import PromptQueue
from planner.replica import Replica

# Time and the number that decode depend on each other; after so many rounds nothing moves by a thousandth.
ROUNDS = 4
# The queue's formulas have no end at a full device, where it is bounded by the requests in flight.
BUSIEST = 0.95
HALF_STEP = 0.5
# Requests in flight at which rates are looked up, from the fewest on.
LEAST_IN_FLIGHT, STEPS = 0.01, 400


class Lengths(Struct, frozen=True, kw_only=True):
    """A request's tokens: of the prompt, of those that the cache knows already (`cached`), and of the answer."""

    prompt: Any
    answer: Any
    cached: Any = 0.0

    @property
    def fresh(self) -> Any:
        """Tokens of the prompt that are worked on."""
        return self.prompt - self.cached

    @property
    def live(self) -> Any:
        """Tokens of cache that a request in flight reads, on average over its answer."""
        return self.prompt + self.answer / 2


class Pace(Struct, frozen=True, kw_only=True):
    """What a replica does with so many requests in flight. Seconds, requests/s.

    `prompt_s` is what one prompt takes of the replica's time, `decode_s` a step without prompts, `tpot_s` the time
    between tokens with the prompts of others in between.
    """

    ttft_s: Any
    tpot_s: Any
    decode_s: Any
    prompt_s: Any
    requests_per_s: Any

    def request_s(self, lengths: Lengths) -> Any:
        """Mean seconds from a request's arrival to its last token."""
        return self.ttft_s + (lengths.answer - 1) * self.tpot_s


def closed_loop(replica: Replica, lengths: Lengths, clients: Any, first_share: Any = 0.0) -> Pace:
    """`clients` send their next request as soon as the last one is answered.

    `first_share` is the part of all requests that comes with the first rush, when all clients ask at once and wait
    for each other's prompts.
    """
    clients = np.asarray(clients, dtype=float)
    most = replica.most_sequences(lengths.prompt, lengths.answer)
    # Where nothing would fit the question is not how many wait: whoever asks knows that it runs.
    served = np.minimum(clients, np.where(np.less(most, 1.0), clients, most))
    decoding = served
    for _ in range(ROUNDS):
        step, prompt, tpot = _cycle(replica, lengths, decoding)
        ttft = _closed_ttft(replica, lengths, served, decoding, tpot, first_share)
        answered = lengths.answer * tpot
        decoding = np.maximum(served * answered / (answered + ttft), np.minimum(served, 1.0))
    rate = served / (ttft + (lengths.answer - 1) * tpot)
    # Who finds no room waits for it: Little's law on those outside.
    ttft = ttft + (clients - served) / rate
    return Pace(ttft_s=ttft, tpot_s=tpot, decode_s=step, prompt_s=prompt, requests_per_s=rate)


def full_rate(replica: Replica, lengths: Lengths, sequences: Any) -> Pace:
    """A queue that never empties: `sequences` are in flight, and each that ends makes room for the next."""
    sequences = np.asarray(sequences, dtype=float)
    step, prompt, tpot = _cycle(replica, lengths, sequences)
    rate = sequences / (lengths.answer * tpot)
    return Pace(ttft_s=prompt, tpot_s=tpot, decode_s=step, prompt_s=prompt, requests_per_s=rate)


def static_batch(replica: Replica, lengths: Lengths, sequences: Any) -> Pace:
    """`sequences` start together and end together; those that do not fit wait for the ones before them.

    A program calls the engine itself: no server takes the prompts in.
    """
    sequences = np.asarray(sequences, dtype=float)
    fits = np.floor(replica.capacity_tokens / (lengths.prompt + lengths.answer))
    fits = np.where(np.less(fits, 1.0), sequences, fits)
    at_once = np.minimum(np.minimum(sequences, fits), replica.largest_batch)
    turns = np.ceil(sequences / at_once)
    prompt = _prompts_s(replica, lengths, at_once)
    step = replica.step_s(at_once, at_once * lengths.live)
    whole = turns * (prompt + (lengths.answer - 1) * step)
    return Pace(
        ttft_s=prompt,
        tpot_s=step,
        decode_s=step,
        prompt_s=prompt / at_once,
        requests_per_s=sequences / whole,
    )


def arrivals(replica: Replica, lengths: Lengths, in_flight: Any) -> Pace:
    """Requests come at random, as many as keep `in_flight` answered at once.

    A prompt waits for the step at work and for other prompts (planner.prompt_queue); an engine that does not look for
    new requests at every step lets it wait longer than the half step which that queue counts.
    """
    in_flight = np.asarray(in_flight, dtype=float)
    step, prompt, tpot = _cycle(replica, lengths, in_flight)
    piece = _piece(replica, lengths, in_flight)
    decoded = np.where(replica.mixes_prompts, in_flight, 0.0)
    worked = np.maximum(lengths.fresh / piece, 1.0) * _work_s(replica, lengths, decoded, piece, undivided=True)
    busy = np.minimum(in_flight / (worked + lengths.answer * tpot) * prompt, BUSIEST)
    # Requests at random are in flight as Poisson's distribution says.
    occupied = 1 - np.exp(-in_flight)
    queue = PromptQueue(step_s=step, prompt_s=prompt, busy=busy, mixes=replica.mixes_prompts, occupied=occupied)
    ttft = replica.received_s(lengths.prompt) + worked + late_s(replica, tpot) + queue.wait_s
    rate = in_flight / (ttft + (lengths.answer - 1) * tpot)
    return Pace(ttft_s=ttft, tpot_s=tpot, decode_s=step, prompt_s=prompt, requests_per_s=rate)


def in_flight_at(replica: Replica, lengths: Lengths, requests_per_s: float, most: float) -> float:
    """Requests in flight on a replica that so many a second come to, `most` at most."""
    in_flight = np.geomspace(LEAST_IN_FLIGHT, most, STEPS)
    # The rate grows with those in flight: who come at a rate are in flight as many as answer at it.
    return float(np.interp(requests_per_s, arrivals(replica, lengths, in_flight).requests_per_s, in_flight))


def late_s(replica: Replica, tpot_s: Any) -> Any:
    """Seconds that an engine lets a request wait beyond the step at work, half of which is over on average."""
    return np.maximum(replica.factors.admission_steps - HALF_STEP, 0.0) * tpot_s


def _cycle(replica: Replica, lengths: Lengths, decoding: Any) -> tuple[Any, Any, Any]:
    """Of `decoding` sequences: seconds of a step without prompts, what one prompt adds to the steps of others, and from
    token to token with the prompts between: each of the others is worked on once while one is answered."""
    live = decoding * lengths.live
    step = replica.step_s(decoding, live)
    piece = _piece(replica, lengths, decoding)
    mixed = _work_s(replica, lengths, decoding, piece) - step
    alone = _work_s(replica, lengths, 0.0, piece)
    prompt = lengths.fresh / piece * np.where(replica.mixes_prompts, mixed, alone)
    return step, prompt, step + decoding * prompt / lengths.answer


def _closed_ttft(replica: Replica, lengths: Lengths, clients: Any, decoding: Any, tpot: Any, first_share: Any) -> Any:
    """Mean seconds to the first token.

    In the first rush all prompts stand in one queue before as many sequences as are through with theirs. Later they
    come one by one, as the answers before them ended: each waits until the engine looks for new requests, hardly for
    other prompts.
    """
    decoded = np.where(replica.mixes_prompts, decoding, 0.0)
    piece = np.minimum(replica.batched_tokens, clients * lengths.fresh)
    steps = np.ceil(clients * lengths.fresh / piece)
    rush = (steps + 1) / 2 * _work_s(replica, lengths, 0.5 * decoded * (steps > 1), piece)
    piece = _piece(replica, lengths, decoding)
    later = np.maximum(lengths.fresh / piece, 1.0) * _work_s(replica, lengths, decoded, piece, undivided=True)
    waits = np.where(np.greater(clients, 1), replica.factors.admission_steps * tpot, 0.0)
    return replica.received_s(lengths.prompt) + first_share * rush + (1 - first_share) * (later + waits)


def _piece(replica: Replica, lengths: Lengths, decoding: Any) -> Any:
    """Tokens of prompts in a step: a prompt, or as many as arrive in a step, up to what the engine takes."""
    arriving = decoding * lengths.fresh / lengths.answer
    alone = np.minimum(replica.rank_tokens, lengths.fresh)
    return np.minimum(replica.batched_tokens, np.maximum(alone, arriving))


def _work_s(replica: Replica, lengths: Lengths, decoding: Any, piece: Any, undivided: bool = False) -> Any:
    """Seconds of a step that decodes and works on `piece` tokens of prompts."""
    pairs = piece * (lengths.cached + lengths.fresh / 2)
    alone = np.minimum(replica.rank_tokens, lengths.fresh)
    return replica.step_s(decoding, decoding * lengths.live, piece, pairs, undivided, alone)


def _prompts_s(replica: Replica, lengths: Lengths, sequences: Any) -> Any:
    """Seconds of the prompts of a batch, in steps of as many tokens as the engine takes."""
    tokens = sequences * lengths.fresh
    steps = np.maximum(np.ceil(tokens / replica.batched_tokens), 1.0)
    piece = tokens / steps
    pairs = piece * (lengths.cached + lengths.fresh / 2)
    # With fewer prompts than stages there is nothing to fill them with.
    few = np.less(sequences, replica.work.stages)
    return steps * replica.step_s(0.0, 0.0, piece, pairs, undivided=few, each_prompt=lengths.fresh)
