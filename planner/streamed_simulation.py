"""What does a block take whose weights and cache stream in, batch by batch and layer by layer?

Link, disks and device each do one thing at a time, in the order in which FlexGen's zig-zag schedule asks for it
(arXiv 2303.06865, algorithm 1): while a batch is at work in a layer, a part of the next layer's weights comes, and the
next batch's cache. What waits for what is followed; the formula (planner.streamed_time) takes the busiest alone.
"""

from __future__ import annotations

import numpy as np
from msgspec.structs import asdict

from planner.serving_modes import Lengths
from planner.streamed_time import PassTime, Streamed

# Passes grow evenly with the answers: so many are followed, and those between them lie between.
FOLLOWED_PASSES = 9


def followed_block_s(streamed: Streamed, batch: int, batches: int, lengths: Lengths) -> float:
    """Seconds of a block of so many batches, answers to their end."""
    further = int(lengths.answer) - 1
    first = followed_pass_s(streamed, streamed.prompts(batch, batches, lengths), batches)
    if not further:
        return first
    numbers = np.unique(np.linspace(1, further, min(FOLLOWED_PASSES, further)).round())
    each = [
        followed_pass_s(streamed, streamed.token(batch, batches, lengths, float(lengths.prompt + number)), batches)
        for number in numbers
    ]
    return first + float(np.interp(np.arange(1, further + 1), numbers, each).sum())


def followed_pass_s(streamed: Streamed, whole: PassTime, batches: int) -> float:
    """Seconds of one pass through all layers, whose parts take what `whole` says."""
    if not streamed.streaming.overlaps:
        return float(whole.total_s(streamed.streaming))
    layers = streamed.shape.layers
    link, disk = (float(part) / (layers * batches) for part in streamed.weights_s)
    each = {name: float(value) / (layers * batches) for name, value in asdict(whole).items()}
    cache, cache_read = each["to_device"] - link, each["disk_reads"] - disk
    up = down = read = written = done = 0.0
    # Of the first layer nothing is there yet.
    for _ in range(batches):
        read += disk
        up = max(up, read) + link
    ready = up
    for layer in range(layers):
        for _ in range(batches):
            began = max(done, ready)
            read = max(read, began) + cache_read if cache_read else read
            up = max(up, read if cache_read else began) + cache
            if layer + 1 < layers:
                read = max(read, began) + disk if disk else read
                up = max(up, read if disk else began) + link
            done = max(began, up - link) + each["device"] if cache else began + each["device"]
            down = max(down, done) + each["from_device"]
            written = max(written, down) + each["disk_writes"]
        ready = up
    return max(done, down, written)
