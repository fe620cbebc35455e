"""The OpenAPI document, made from what the registered routes say of themselves: who may call them,
with which scope, and every error with an example, of which Litestar's own generator knows nothing.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute

from shothik_payment.domain import errors as e
from shothik_payment.entrypoints.http.answers import encode
from shothik_payment.entrypoints.http.docs import Caller, Doc
from shothik_payment.entrypoints.http.error_examples import failures
from shothik_payment.entrypoints.http.fields import Name, UserId
from shothik_payment.entrypoints.http.replies import EventView, FailureReply, View

_REF = "#/components/schemas/{name}"
_JSON = "application/json"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_DESCRIPTION = """\
Credits for the services of Shothik AI: sold, charged, given back, and told of in events.

Amounts are whole credits; times are RFC 3339 in UTC. Every answer carries `X-Request-Id`. Unknown
fields are ignored, wrong types are refused and each is named. A query parameter given twice is
refused, unless it is a list. Every write takes a request key, as the header `Idempotency-Key` or
as `requestId` in the body: a repeat gets the first answer, with `Idempotency-Replayed: true`.
The routes below `/api/v1/admin/api-keys` are served without `/api/v1` as well."""

_SECURITY = {
    Caller.SERVICE: "apiKey",
    Caller.USER: "userToken",
    Caller.ADMIN: "adminToken",
}
_SCHEMES = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`ApiKey sk_…`: a microservice.",
    },
    "userToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "adminToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A JWT whose role is `admin`.",
    },
}
_REQUEST_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes a repeat harmless; the same as `requestId` in the body.",
    "schema": msgspec.json.schema(Name),
}
_COUNT = {"schema": {"type": "integer", "minimum": 0}}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: {
        "Retry-After": _COUNT,
        "RateLimit-Limit": _COUNT,
        "RateLimit-Remaining": _COUNT,
        "RateLimit-Reset": _COUNT,
    },
    503: {"Retry-After": _COUNT},
}
_REQUEST_ID = {"X-Request-Id": {"schema": {"type": "string"}}}
_REPLAYED = {"Idempotency-Replayed": {"schema": {"type": "string", "const": "true"}}}


def document(app: Litestar, public_url: str) -> dict[str, Any]:
    described = list(_described(app))
    schemas = _schemas([doc for _, _, doc in described])
    paths: dict[str, dict[str, Any]] = {}
    for path, method, doc in described:
        paths.setdefault(path, {})[method.lower()] = _operation(path, method, doc, schemas)
    queries = {doc.query.__name__ for _, _, doc in described if doc.query is not None}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shothik Payment Service",
            "version": version("shothik-payment"),
            "description": _DESCRIPTION,
        },
        "servers": [{"url": public_url}],
        "paths": paths,
        "components": {
            "schemas": {name: s for name, s in schemas.items() if name not in queries},
            "securitySchemes": _SCHEMES,
        },
    }


def _described(app: Litestar) -> list[tuple[str, str, Doc]]:
    """Path, method and description of each route that has one, in the order registered; in one of
    ours where Litestar has none: the methods of a path, and the paths of one handler."""
    routes: list[tuple[str, dict[str, Doc]]] = []
    places: dict[int, int] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute) and (docs := _docs_of(route)):
            places.setdefault(_first(docs), len(places))
            routes.append((route.path_format, docs))
    routes.sort(key=lambda route: (places[_first(route[1])], route[0]))
    return [(path, method, doc) for path, docs in routes for method, doc in docs.items()]


def _docs_of(route: HTTPRoute) -> dict[str, Doc]:
    found: dict[str, Doc] = {}
    for handler in route.route_handlers:
        doc = handler.opt.get("doc")
        if doc is not None and handler.resolve_include_in_schema():
            found.update(dict.fromkeys(handler.http_methods, doc))
    return {method: found[method] for method in sorted(found, key=_METHODS.index)}


def _first(docs: dict[str, Doc]) -> int:
    return id(next(iter(docs.values())))


def _schemas(docs: list[Doc]) -> dict[str, Any]:
    types: set[type[msgspec.Struct]] = {FailureReply}
    for doc in docs:
        types.add(type(doc.answer))
        types.update(type(answer) for answer in doc.other_answers.values())
        types.update(kind for kind in (doc.query, doc.body and type(doc.body)) if kind)
    ordered = sorted(types, key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_REF)
    told = {kind.__name__ for kind in _descendants(View)} | {EventView.__name__}
    for name, schema in schemas.items():
        if name in told:  # every field of an answer is always there, also one with a default
            schema["required"] = list(schema["properties"])
    return schemas


def _descendants(kind: type[View]) -> set[type[View]]:
    found = {kind}
    for child in kind.__subclasses__():
        found |= _descendants(child)
    return found


def _operation(path: str, method: str, doc: Doc, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub("[^A-Za-z0-9]+", "_", f"{method.lower()}{path}").strip("_"),
        "summary": doc.summary,
        "tags": [doc.tag],
        "parameters": _parameters(path, doc, schemas),
        "responses": _responses(doc),
        "security": [{_SECURITY[doc.caller]: []}] if doc.caller in _SECURITY else [],
    }
    if doc.scope is not None:
        operation["description"] = f"The key needs the scope `{doc.scope}`."
    if doc.body is not None:
        operation["requestBody"] = {
            "required": doc.body_required,
            "content": {_JSON: _example(type(doc.body), _without_nulls(doc.body))},
        }
    elif doc.raw_body:
        content = {"schema": {"description": "As the gateway signs it."}, "example": {}}
        operation["requestBody"] = {"required": True, "content": {_JSON: content}}
    return operation


def _parameters(path: str, doc: Doc, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": msgspec.json.schema(UserId if name == "userId" else Name),
        }
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    if doc.query is not None:
        schema = schemas[doc.query.__name__]
        for name, field in schema["properties"].items():
            parameters.append({"name": name, "in": "query", "required": False, **_given(field)})
    if doc.writes and doc.body is not None:
        parameters.append(_REQUEST_KEY)
    return parameters


def _given(field: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is absent or has a value; there is no null."""
    members = [m for m in field.get("anyOf", [field]) if m.get("type") != "null"]
    return {"schema": members[0]}


def _responses(doc: Doc) -> dict[str, Any]:
    headers = {**_REQUEST_ID, **(_REPLAYED if doc.writes and doc.body is not None else {})}
    responses: dict[str, Any] = {
        str(doc.status): {
            "description": HTTPStatus(doc.status).phrase,
            "headers": headers,
            "content": {_JSON: _answer_example(doc.answer)},
        }
    }
    for status, bodies in sorted(failures(_errors(doc)).items()):
        if status in doc.other_answers:
            continue
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "headers": {**_REQUEST_ID, **_HEADERS.get(status, {})},
            "content": {
                _JSON: {
                    "schema": _failure_schema(list(bodies)),
                    "examples": {code: {"value": body} for code, body in bodies.items()},
                }
            },
        }
    for status, answer in doc.other_answers.items():
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "headers": {**_REQUEST_ID, **_HEADERS.get(status, {})},
            "content": {_JSON: _answer_example(answer)},
        }
    return responses


def _failure_schema(codes: list[str]) -> dict[str, Any]:
    code = {"properties": {"code": {"enum": codes}}}
    base = {"$ref": _REF.format(name=FailureReply.__name__)}
    return {"allOf": [base, {"properties": {"error": code}}]}


def _errors(doc: Doc) -> set[type[e.PaymentServiceError]]:
    errors: set[type[e.PaymentServiceError]] = {e.InvalidRequest, e.Unavailable, *doc.errors}
    if doc.caller is not Caller.ANYONE:
        errors.add(e.Unauthenticated)
    if doc.caller is Caller.SERVICE:
        errors |= {e.Forbidden, e.MissingScope}
    if doc.caller is Caller.ADMIN:
        errors.add(e.Forbidden)
    if doc.limited:
        errors.add(e.RateLimited)
    if doc.body is not None or doc.raw_body:
        errors.add(e.PayloadTooLarge)
    return errors


def _answer_example(answer: msgspec.Struct) -> dict[str, Any]:
    # By way of JSON, since a reply may hold ready JSON.
    return _example(type(answer), msgspec.json.decode(encode(answer)))


def _example(kind: type[msgspec.Struct], example: Any) -> dict[str, Any]:
    return {"schema": {"$ref": _REF.format(name=kind.__name__)}, "example": example}


def _without_nulls(body: msgspec.Struct) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.to_builtins(body)
    return {name: value for name, value in members.items() if value is not None}
