"""The kinds of values the columnar decoder reads, by number: compiled loops know no names."""

__all__ = ["ARRAY", "BOOLEAN", "BYTES", "DOUBLE", "FLOAT", "INTEGER", "KINDS"]

BOOLEAN, INTEGER, FLOAT, DOUBLE, BYTES, ARRAY = range(6)

KINDS = {
    "boolean": BOOLEAN,
    "int": INTEGER,
    "long": INTEGER,
    "float": FLOAT,
    "double": DOUBLE,
    "string": BYTES,
    "bytes": BYTES,
}
"""The kind of each primitive of Avro; what is none of them is an array of one."""
