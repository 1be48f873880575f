"""Sparse autoencoders. ``per_head``: one small TopK autoencoder for each head."""
