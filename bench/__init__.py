"""Measurements of the product's own processes: ``make bench`` prints one table."""
