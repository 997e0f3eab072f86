"""fal.ai: the trainer, its webhooks and its files. The only place where fal_client and httpx are imported."""

import logging

# httpx logs every URL at INFO, and ours carry nonces and signatures, which are never logged (design §10).
logging.getLogger("httpx").setLevel(logging.WARNING)
