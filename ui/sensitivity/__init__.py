"""The sensitivity page, part by part."""
