"""What does one architecture's config.json have to say for a shape, and what must be worked out from it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

Config = Mapping[str, Any]


class Architecture(Struct, frozen=True, kw_only=True):
    """What one architecture's keys mean, by field of `planner.inline_shape.InlineShape`.

    `keys` names the key of each field, alternatives joined by " or "; `absent` the value of a field whose key
    is missing; `always` what the architecture fixes; `needs` fields without which it is none of its kind;
    `derived` what takes arithmetic over the whole config, raising ValueError where it makes no sense; `only`
    the values, by key, outside which Berth cannot count the model.
    """

    keys: Mapping[str, str]
    absent: Mapping[str, Any] = field(default_factory=dict)
    always: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    derived: Mapping[str, Callable[[Config], Any]] = field(default_factory=dict)
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


def times(count: Any, width: Any) -> int:
    """The product of two values of a config; TypeError where one is no whole number."""
    if not isinstance(count, int) or not isinstance(width, int):
        raise TypeError("not a whole number")
    return count * width


def four_times(hidden: str, inner: str) -> Callable[[Config], Any]:
    """The inner width under `inner` or, where the config leaves it out, GPT's four times the hidden one."""
    return lambda config: config.get(inner) or times(4, config[hidden])


def falcon_norms(config: Config) -> Any:
    """Falcon's norms per block: one where attention and MLP run side by side, unless they have one each."""
    if not config.get("parallel_attn", True):
        return 2
    return config.get("num_ln_in_parallel_attn") or (2 if config.get("new_decoder_architecture") else 1)


def falcon_kv_heads(config: Config) -> Any:
    """Falcon's key and value heads: `multi_query` counts only in the old decoder."""
    if config.get("multi_query", True) and not config.get("new_decoder_architecture"):
        return 1
    return config.get("num_kv_heads")


def mpt_ffn(config: Config) -> Any:
    """MPT's inner width, told as a multiple of the hidden one."""
    ratio = config.get("expansion_ratio", 4)
    return times(ratio, config["d_model"]) if isinstance(ratio, int) else ratio


def mpt_kv_heads(config: Config) -> Any:
    """MPT's key and value heads, None for as many as heads."""
    return _mpt_attention(config).get("kv_n_heads")


def mpt_positions(config: Config) -> Any:
    """MPT's learned positions, unless it uses ALiBi."""
    return 0 if _mpt_attention(config).get("alibi", True) else config["max_seq_len"]


def _mpt_attention(config: Config) -> Config:
    attention = config.get("attn_config") or {}
    if not isinstance(attention, dict):
        raise ValueError("`attn_config` must be an object")
    return attention
