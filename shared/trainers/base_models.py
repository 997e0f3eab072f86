"""What the trainers' LoRAs are made for, and the endpoint that makes pictures with each (fal.md §4). Data.

What fal.md does not tell is from fal.ai's own pages and generated schemas (fal-ai/fal-js,
libs/client/src/types/endpoints.ts, August 2026).
"""

from __future__ import annotations

from shared.trainers.entry import BaseModel, Pictures, PicturesPrice

FLUX_1 = BaseModel(
    id="flux-1-dev",
    title="FLUX.1 [dev]",
    pictures=Pictures(
        endpoint="fal-ai/flux-lora",
        source="fal.md §4",
        price=PicturesPrice(
            usd=0.035,
            at="2026-11-22",
            source="https://fal.ai/models/fal-ai/flux-lora/stream/llms.txt, the same model's page",
        ),
    ),
)

FLUX_2 = BaseModel(
    id="flux-2-dev",
    title="FLUX.2 [dev]",
    pictures=Pictures(
        endpoint="fal-ai/flux-2/lora",
        max_loras=3,
        source="https://fal.ai/models/fal-ai/flux-2/lora/llms.txt; fal-js Flux2LoraInput, v4Output",
        price=PicturesPrice(
            usd=0.021,
            at="2026-11-22",
            source="https://fal.ai/models/fal-ai/flux-2/lora/llms.txt",
            note="Weights of more than 2 GB cost half as much again for each GB.",
        ),
    ),
)

QWEN_IMAGE_2512 = BaseModel(
    id="qwen-image-2512",
    title="Qwen-Image-2512",
    pictures=Pictures(
        endpoint="fal-ai/qwen-image-2512/lora",
        max_loras=3,
        source="https://fal.ai/models/fal-ai/qwen-image-2512/lora/api; fal-js LoraInput, unoOutput",
    ),
)

Z_IMAGE_TURBO = BaseModel(
    id="z-image-turbo",
    title="Z-Image Turbo",
    pictures=Pictures(
        endpoint="fal-ai/z-image/turbo/lora",
        max_loras=3,
        source="fal-js ZImageTurboLoraInput, v4Output",
        price=PicturesPrice(
            usd=0.0085,
            at="2026-11-22",
            source="https://fal.ai/docs/model-api-reference/image-generation-api/z-image-turbo-lora",
        ),
    ),
)

WAN_2_2 = BaseModel(
    id="wan-2.2-a14b",
    title="Wan 2.2 A14B",
    pictures=Pictures(
        endpoint="fal-ai/wan/v2.2-a14b/text-to-image/lora",
        images_field="image",
        one_image=True,
        # the first of them looks at the prompt only
        safety_fields=("enable_safety_checker", "enable_output_safety_checker"),
        source="https://fal.ai/models/fal-ai/wan/v2.2-a14b/text-to-image/lora/api; "
        "fal-js WanV22A14bTextToImageLoraInput, WanV225bTextToImageOutput",
    ),
)
