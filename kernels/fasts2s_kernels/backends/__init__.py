"""Which function serves which name: one module per backend."""
