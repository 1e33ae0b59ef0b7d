"""Tests of CSV files, in and out."""
