"""Registries and package repositories that behave like the public ones, with packages that are made at the start."""
