"""One module per trainer at fal.ai, each with its `ENTRY`; `shared/trainers/registry.py` lists them. Data."""
