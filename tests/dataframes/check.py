"""Holds the types that pandas and DuckDB give the columns of results against the schema.

    python check.py pandas|duckdb SCHEMA FOLDER FILE...
"""
import json
import sys

reader, schema, folder, *files = sys.argv[1:]
resources = {own["path"]: own["schema"]["fields"] for own in json.load(open(schema))["resources"]}


def of_pandas(path):
    import pandas as pd

    table = pd.read_csv(path)
    kinds = {"i": "integer", "f": "number", "b": "boolean"}
    for name, column in table.items():
        found = column.dropna()
        # Whole numbers with empty cells among them are floats.
        whole = column.dtype.kind == "f" and len(found) < len(column) and (found % 1 == 0).all()
        kind = "integer" if whole else kinds.get(column.dtype.kind, "string")
        yield name, kind if len(found) else "empty"


def of_duckdb(path):
    import duckdb

    frame = duckdb.read_csv(path, sample_size=-1)
    kinds = {"BIGINT": "integer", "DOUBLE": "number", "VARCHAR": "string"}
    for name, kind in zip(frame.columns, frame.types):
        ((count,),) = duckdb.sql(f'select count("{name}") from frame').fetchall()
        yield name, kinds.get(str(kind), str(kind)) if count else "empty"


checked = 0
for file in files:
    expected = {field["name"]: field["type"] for field in resources[file]}
    for name, found in {"pandas": of_pandas, "duckdb": of_duckdb}[reader](f"{folder}/{file}"):
        if name in expected and found != "empty":
            # Numbers that all happen to be whole are read as such.
            fits = found == expected[name] or (found, expected[name]) == ("integer", "number")
            assert fits, f"{file}: {name} is {found} in {reader}, {expected[name]} by the schema"
            checked += 1
print(f"{checked} columns")
