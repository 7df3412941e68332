"""Proxies: one file each, registered automatically."""
