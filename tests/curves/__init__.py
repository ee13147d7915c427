"""Loss curves: generators of labelled ones, and what is said about them."""
