"""CSV files, in and out: read row by row, written as Braze takes them."""
