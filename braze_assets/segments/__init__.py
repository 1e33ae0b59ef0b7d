"""Segments: rules over the Customer 360, compiled to SQL."""
