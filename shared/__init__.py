"""The vocabulary that two or more functions need, and nothing else."""
