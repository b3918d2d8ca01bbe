"""Reads the tables of results folders with the types of their datapackage.json.

    python check.py pandas|duckdb|frictionless FOLDER...

Prints how many columns were read. With duckdb, tables of the same name are also put together.
"""
import json
import os
import sys

reader, *folders = sys.argv[1:]


def resources(folder):
    """The path and the schema of every table of a folder that is there."""
    package = json.load(open(f"{folder}/datapackage.json"))
    assert package["profile"] == "tabular-data-package", package["profile"]
    for resource in package["resources"]:
        path = f"{folder}/{resource['path']}"
        if os.path.exists(path):
            yield resource["path"], path, resource["schema"]
        else:
            print(f"skipped: {path} is not kept", file=sys.stderr)


def with_pandas(path, schema):
    import pandas as pd

    names = {"integer": "Int64", "number": "float64", "boolean": "boolean", "string": "str"}
    types = {field["name"]: names[field["type"]] for field in schema["fields"]}
    table = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=schema["missingValues"])
    assert list(table.columns) == list(types), f"{path}: other columns"
    for field in schema["fields"]:
        column, kind = table[field["name"]], field["type"]
        text = pd.api.types.is_string_dtype(column) or column.dtype == object
        fits = text or column.isna().all() if kind == "string" else column.dtype == types[field["name"]]
        assert fits, f"{path}: {field['name']} is {column.dtype}, not {kind}"
        full = not field["constraints"]["required"] or column.notna().all()
        assert full, f"{path}: {field['name']} has empty cells"
    return len(types)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


DUCKDB = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "string": "VARCHAR"}


def with_duckdb(path, schema):
    import duckdb

    types = {field["name"]: DUCKDB[field["type"]] for field in schema["fields"]}
    frame = duckdb.read_csv(path, header=True, dtype=types)
    assert frame.columns == list(types), f"{path}: other columns"
    found = dict(zip(frame.columns, map(str, frame.types)))
    assert found == types, f"{path}: {set(found.items()) ^ set(types.items())}"
    rows = len(frame.fetchall())
    for field in schema["fields"]:
        name = quoted(field["name"])
        ((count,),) = duckdb.sql(f"select count({name}) from frame").fetchall()
        assert count == rows or not field["constraints"]["required"], f"{path}: {name}"
    return len(types)


def union(tables):
    """Tables of one name from several folders: a column that is empty in one keeps its type."""
    import duckdb

    read = [duckdb.read_csv(path, header=True, dtype={
        field["name"]: DUCKDB[field["type"]] for field in schema["fields"]
    }) for path, schema in tables]
    whole = read[0]
    for other in read[1:]:
        if whole.columns == other.columns:
            whole = whole.union(other)
    found, types = dict(zip(whole.columns, map(str, whole.types))), tables[0][1]["fields"]
    for field in types:
        name, kind = field["name"], DUCKDB[field["type"]]
        assert found[name] == kind, f"{tables[0][0]}: {name} is {found[name]}, not {kind}"
        if kind in ("BIGINT", "DOUBLE"):
            duckdb.sql(f"select avg({quoted(name)}) from whole").fetchall()


checked, by_name = 0, {}
for folder in folders:
    if reader == "frictionless":
        import frictionless

        package = frictionless.Package(f"{folder}/datapackage.json")
        report = package.validate()
        assert report.valid, report.flatten(["path", "rowNumber", "fieldName", "message"])[:5]
        checked += sum(len(resource.schema.fields) for resource in package.resources)
        continue
    for name, path, schema in resources(folder):
        checked += {"pandas": with_pandas, "duckdb": with_duckdb}[reader](path, schema)
        by_name.setdefault(name, []).append((path, schema))
if reader == "duckdb":
    for tables in by_name.values():
        union(tables)
print(f"{checked} columns")
