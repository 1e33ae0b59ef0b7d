"""Braze Currents: from the Avro files in a bucket to tables that hold every event once.

`listing` finds the files of an event type and hour, `decode` reads one, `ingest` makes the hour's table.
`email_events` and `engagement` are SQL over such tables. `generator` writes files as Braze does.
"""
