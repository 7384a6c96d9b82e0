"""Small worlds that sentences are made of: generators of pairs of texts, each drawn from a seed."""
