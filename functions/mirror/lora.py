"""How LoRA tensors are named by the tools that write them, and the rank that their shapes tell. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import Enum

from functions.mirror.safetensors_header import Tensor

# Each convention has a pair of factors: the first projects down to the rank, the second up from it.
#   peft, diffusers, ComfyUI (FLUX.2)  ….lora_A.weight, ….lora_B.weight; also lora_A.default, lora_embedding_A
#   kohya-ss, ComfyUI                  lora_unet_….lora_down.weight, ….lora_up.weight (beside them ….alpha)
#   diffusers before peft              ….lora.down.weight, …_lora.up.weight, ….lora_linear_layer.down.weight
#   x-flux                             ….qkv_lora1.down.weight, ….proj_lora2.up.weight
_DOWN = re.compile(r"(?:^|[._])lora_(?:embedding_)?(?:A|down)(?:\.|$)|lora(?:\d+|_linear_layer)?\.down\.")
_UP = re.compile(r"(?:^|[._])lora_(?:embedding_)?(?:B|up)(?:\.|$)|lora(?:\d+|_linear_layer)?\.up\.")


class Factor(Enum):
    """Which of the two matrices of a LoRA a tensor is."""

    DOWN = 0
    UP = 1


def factor_of(name: str) -> Factor | None:
    """The factor that a tensor of this name is; None where it is something else, such as an alpha."""
    if _DOWN.search(name):
        return Factor.DOWN
    return Factor.UP if _UP.search(name) else None


def rank_of(tensors: Iterable[Tensor]) -> int | None:
    """The rank of most factors: a down factor's first dimension, an up factor's second; None without any."""
    axes = {Factor.DOWN: 0, Factor.UP: 1}
    ranks = Counter(
        tensor.shape[axes[factor]]
        for tensor in tensors
        if (factor := factor_of(tensor.name)) is not None and len(tensor.shape) >= 2
    )
    return ranks.most_common(1)[0][0] if ranks else None
