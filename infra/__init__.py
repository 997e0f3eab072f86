"""Everything around the functions: where and how they run."""
