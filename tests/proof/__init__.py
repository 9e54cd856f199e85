"""The proof of delivery: real processes, killed; what was recorded against what is stored."""
