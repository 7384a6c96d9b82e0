"""Convolution and pooling of pictures."""
