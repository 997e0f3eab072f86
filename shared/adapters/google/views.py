"""What the app sees of jobs when it listens to Firestore: of each kind some fields, in a collection of their own."""

from __future__ import annotations

from shared.adapters.google.documents import Shown

TRAINING_VIEWS = Shown(
    collection="training_views",
    fields=(
        "id",
        "shoot_id",
        "owner_id",
        "person_id",
        "model_name",
        "trigger_word",
        "trainer",
        "preset",
        "parameters",
        "status",
        "history",
        "progress",
        "error",
        "hindrance",
        "model_id",
        "samples",
        "quote",
        "cost_usd",
        "predecessor_id",
        "parent_model_id",
        "continues",
        "cancel_requested_at",
        "created_at",
        "updated_at",
    ),
)
"""What the app sees of a training when it listens to Firestore. Nonces and fal.ai's addresses are not in it: with them,
somebody could speak for fal.ai. Captions and the log are not, either: they are long, and the API has them."""

IMAGE_VIEWS = Shown(
    collection="images",
    fields=(
        "id",
        "owner_id",
        "person_id",
        "model_id",
        "model_name",
        "version",
        "trigger_word",
        "trainer",
        "prompt",
        "count",
        "size",
        "seed",
        "scale",
        "origin",
        "group_id",
        "like_id",
        "pictures",
        "status",
        "history",
        "progress",
        "error",
        "hindrance",
        "quote",
        "cost_usd",
        "predecessor_id",
        "cancel_requested_at",
        "created_at",
        "updated_at",
    ),
)
"""The same of a set of pictures: where they lie in the bucket is no secret, since only signed URLs open it."""
