"""Products with a bias: the affine layer."""
