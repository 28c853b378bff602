"""Which kind is each block, as a config.json tells it?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planner.architecture import Config

# Transformers' words, and those of remote code, by kind of `planner.inline_fields.LayerType`.
KINDS = {
    "full_attention": "full",
    "attention": "full",
    "sliding_attention": "window",
    "chunked_attention": "chunk",
    "linear_attention": "recurrent",
    "mamba": "recurrent",
    "conv": "recurrent",
}
_MOST_BLOCKS = 10_000


def whole(config: Config, key: str, absent: int | None = None, least: int = 0) -> int:
    """The whole number under `key`; null stands for the default. ValueError where it is none, or out of bounds."""
    value = config.get(key)
    value = absent if value is None else value
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 10**9:
        raise ValueError(f"`{key}` is no whole number of {least} or more")
    return value


def blocks_in(config: Config, key: str = "num_hidden_layers") -> int:
    """The number of blocks; KeyError where it is no such number, since that is found elsewhere."""
    value = config[key]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_BLOCKS:
        raise KeyError(key)
    return value


def listed(config: Config, key: str, kinds: dict[Any, str], layers: str = "num_hidden_layers") -> tuple[str, ...]:
    """The kinds in the list under `key`, one for each block."""
    given = config[key]
    if not isinstance(given, list | str):
        raise ValueError(f"`{key}` must be a list")
    unknown = [item for item in given if isinstance(item, list | dict) or item not in kinds]
    if unknown:
        raise ValueError(f"`{key}` has {unknown[0]!r:.40}; Berth knows {', '.join(map(repr, kinds))}")
    if len(given) != blocks_in(config, layers):
        raise ValueError(f"`{key}` tells of {len(given)} blocks, and there are {config[layers]}")
    return tuple(kinds[item] for item in given)


def windows_every(absent: int) -> Callable[[Config], Any]:
    """Kinds from `layer_types`, else from the older `sliding_window_pattern`, its last block with full attention."""

    def read(config: Config) -> Any:
        if config.get("layer_types") is not None:
            return listed(config, "layer_types", KINDS)
        if config.get("sliding_window", True) is None:
            return None
        period = min(whole(config, "sliding_window_pattern", absent, 1), _MOST_BLOCKS)
        return (*["window"] * (period - 1), "full")

    return read


def windows_where_listed(config: Config) -> Any:
    """Kinds from `layer_types`; None without it, for the architecture's own rule."""
    return None if config.get("layer_types") is None else listed(config, "layer_types", KINDS)


def qwen_window(config: Config) -> Any:
    """Qwen's window counts only where it is said to be used."""
    return config.get("sliding_window") if config.get("use_sliding_window") is True else None


def qwen_layer_types(config: Config) -> Any:
    """Qwen's blocks have a window from `max_window_layers` on."""
    if config.get("use_sliding_window") is not True or config.get("sliding_window") is None:
        return None
    if config.get("layer_types") is not None:
        return listed(config, "layer_types", KINDS)
    full = min(whole(config, "max_window_layers", 28), blocks_in(config))
    return (*["full"] * full, *["window"] * (blocks_in(config) - full))


def periodic(config: Config, period_key: str, offset_key: str, absent: tuple[int, int], kinds: tuple[str, str]) -> Any:
    """Blocks of the second kind every so many, the first of them at an offset; the others of the first kind."""
    period = min(whole(config, period_key, absent[0], 1), _MOST_BLOCKS)
    offset = whole(config, offset_key, absent[1])
    if offset >= period:
        raise ValueError(f"`{offset_key}` is {offset}, beyond `{period_key}` {period}")
    return tuple(kinds[number % period == offset] for number in range(period))


def llama4_layer_types(config: Config) -> Any:
    """Llama 4's blocks have chunks where they have rotary positions: all but every fourth, unless listed."""
    if "attention_chunk_size" in config and config["attention_chunk_size"] is None:
        return None
    if config.get("layer_types") is not None:
        return listed(config, "layer_types", KINDS)
    if config.get("no_rope_layers"):
        return listed(config, "no_rope_layers", {1: "chunk", 0: "full"})
    period = min(whole(config, "no_rope_layer_interval", 4, 1), _MOST_BLOCKS)
    return (*["chunk"] * (period - 1), "full")


def gpt_neo_layer_types(config: Config) -> Any:
    """GPT-Neo's `attention_types`: pairs of a list of kinds and how often it is repeated."""
    given = config.get("attention_types") or [[["global", "local"], 12]]
    kinds = {"global": "full", "local": "window"}
    read: list[str] = []
    try:
        for items, times in given:
            if not isinstance(times, int) or not 0 <= times <= _MOST_BLOCKS:
                raise ValueError
            read += [kinds[item] for item in items] * times
    except (TypeError, ValueError, KeyError):
        raise ValueError("`attention_types` is no list of kinds (global, local) and their numbers") from None
    if len(read) != blocks_in(config, "num_layers"):
        raise ValueError(f"`attention_types` tells of {len(read)} blocks, and there are {config['num_layers']}")
    return tuple(read)
