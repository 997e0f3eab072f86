"""How the tensors of a LoRA are called and shaped, by the base model that it is for: plausible, and small."""

from collections.abc import Iterator
from dataclasses import dataclass

RANK = 16


@dataclass(frozen=True)
class Naming:
    """Where LoRA layers sit and how their two factors are called; `width` is the layers' own size."""

    block: str
    modules: tuple[str, ...]
    factors: tuple[str, str] = ("lora_A.weight", "lora_B.weight")
    width: int = 3072


# diffusers and peft
DIFFUSERS = Naming("transformer.transformer_blocks.{}", ("attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0"))

_NAMINGS = {
    "flux-1-dev": DIFFUSERS,
    "flux-2-dev": Naming(
        "base_model.model.transformer_blocks.{}",
        ("attn.to_q", "attn.to_k", "attn.to_v", "ff.linear_in"),
        ("lora_A.default.weight", "lora_B.default.weight"),
    ),
    "qwen-image-2512": Naming(
        "transformer_blocks.{}", ("attn.to_q", "attn.add_q_proj", "img_mlp.net.2", "txt_mlp.net.2")
    ),
    "z-image-turbo": Naming(
        "diffusion_model.layers.{}",
        ("attention.to_q", "attention.to_k", "attention.to_v", "feed_forward.w1"),
        width=3840,
    ),
    # as kohya-ss writes them
    "wan-2.2-a14b": Naming(
        "lora_unet_blocks_{}",
        ("self_attn_q", "self_attn_k", "cross_attn_v", "ffn_0"),
        ("lora_down.weight", "lora_up.weight"),
    ),
}


def naming_of(base_model: str) -> Naming:
    """The naming of LoRAs for this base model; diffusers' where none is known."""
    return _NAMINGS.get(base_model, DIFFUSERS)


def tensors_of(naming: Naming, modules: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Names and shapes of the tensors of so many modules: down to the rank, up from it."""
    joint = "_" if naming.block.startswith("lora_unet") else "."
    shapes = ((RANK, naming.width), (naming.width, RANK))
    for index in range(modules):
        block, module = divmod(index, len(naming.modules))
        for factor, shape in zip(naming.factors, shapes, strict=True):
            yield f"{naming.block.format(block)}{joint}{naming.modules[module]}.{factor}", shape
