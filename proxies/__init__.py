"""Proxies: one file each, found by themselves."""
