"""What the OpenAPI document cannot say to Schemathesis."""

import itertools
import re

import schemathesis

FILES_MAX = 20  # of one item, as the default configuration has it

_count = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Each generated request is a new one: two that happen to share an idempotency key would rightly be refused."""
    key = (case.headers or {}).get("Idempotency-Key")
    if key is not None and re.fullmatch(r"[!-~]{1,200}", key):
        case.headers["Idempotency-Key"] = f"{key}.{next(_count)}"


@schemathesis.hook
def filter_case(context, case):
    """Leaves out forms that mean something else on the wire, or break a limit that JSON Schema has no words for."""
    if case.media_type != "multipart/form-data" or not isinstance(case.body, dict):
        return True
    parts = {name: part for name, part in case.body.items() if name != "item"}
    # In a form everything is bytes: a "file" that is meant to be wrong for being a number or an object is a file all the same.
    if any(not isinstance(one, (bytes, str)) for part in parts.values() for one in (part if isinstance(part, list) else [part])):
        return False
    # Nor is there a list on the wire: one file is a list of one.
    if not isinstance(parts.get("file", []), list):
        return False
    # So many files in all: those in the item's JSON, those named `file`, and those under other names together.
    item = case.body.get("item")
    media = item.get("media") if isinstance(item, dict) else None
    n_files = sum(len(part) if isinstance(part, list) else 1 for part in parts.values())
    return n_files + (len(media) if isinstance(media, list) else 0) <= FILES_MAX
