"""An event of Lambda's is the request that the client sent, or no request at all."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.lambdas import rest_event, url_event

from logweir.entrypoints.lambdas.events import NotHttp, Request, read_request

# As AWS documents it: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
DOCUMENTED: Final = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/my/path",
    "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
    "cookies": ["cookie1", "cookie2"],
    "headers": {"header1": "value1", "header2": "value1,value2"},
    "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "<urlid>",
        "authentication": None,
        "domainName": "<url-id>.lambda-url.us-west-2.on.aws",
        "http": {
            "method": "POST",
            "path": "/my/path",
            "protocol": "HTTP/1.1",
            "sourceIp": "123.123.123.123",
            "userAgent": "agent",
        },
        "requestId": "id",
        "routeKey": "$default",
        "stage": "$default",
        "timeEpoch": 1583348638390,
    },
    "body": "Hello from client!",
    "pathParameters": None,
    "isBase64Encoded": False,
    "stageVariables": None,
}
KEYS: Final = st.sampled_from(
    (
        *("httpMethod", "path", "rawPath", "requestContext", "http", "method", "headers"),
        *("body", "multiValueHeaders", "isBase64Encoded", "x-tenant-id"),
    )
)


def headers_of(event: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    return read_request(event).headers


def test_a_function_urls_event_as_it_is_documented() -> None:
    assert read_request(DOCUMENTED) == Request(
        "POST",
        "/my/path",
        [(b"header1", b"value1"), (b"header2", b"value1,value2")],
        b"Hello from client!",
        was_text=True,
    )


@pytest.mark.parametrize("body", [{}, {"body": None}, {"body": ""}], ids=["none", "null", "empty"])
def test_a_body_may_be_missing(body: dict[str, Any]) -> None:
    assert read_request({**url_event(), **body}).body == b""
    assert read_request({**rest_event(), **body}).body == b""


@given(st.text(), st.binary())
def test_a_body_is_what_was_sent(text: str, data: bytes) -> None:
    """Also after Lambda has sent the event as JSON."""
    for event, body in (
        (url_event(text.encode(), as_text=True), text.encode()),
        (url_event(data), data),
        (rest_event(data), data),
    ):
        assert read_request(json.loads(json.dumps(event))).body == body


def test_half_of_a_surrogate_pair_is_bad_utf8() -> None:
    event = {**url_event(as_text=True), "body": "x\ud800"}
    assert read_request(event).body == b"x\xed\xa0\x80"


@pytest.mark.parametrize("name", ["x-tenant-id", "x-log-id", "content-type"])
def test_what_the_platform_has_joined_is_parted_again(name: str) -> None:
    event = url_event(headers=[(name, "a"), (name.upper(), "b")])
    assert event["headers"] == {name: "a,b"}
    assert headers_of(event) == [(name.encode(), b"a"), (name.encode(), b"b")]


def test_a_comma_in_quotes_parts_nothing() -> None:
    value = 'text/plain; x="a,b"'
    assert headers_of(url_event(headers=[("Content-Type", value)])) == [
        (b"content-type", value.encode())
    ]
    assert len(headers_of(url_event(headers=[("Content-Type", value), ("Content-Type", "b")]))) > 1


def test_other_headers_stay_joined() -> None:
    event = url_event(headers=[("X-A", "a"), ("X-A", "b")])
    assert headers_of(event) == [(b"x-a", b"a,b")]


def test_each_value_of_a_rest_api_stands_by_itself() -> None:
    event = rest_event(headers=[("X-Tenant-ID", "a"), ("X-Tenant-ID", "a"), ("X-A", "b,c")])
    assert headers_of(event) == [(b"X-Tenant-ID", b"a"), (b"X-Tenant-ID", b"a"), (b"X-A", b"b,c")]


def test_a_rest_api_without_several_values_has_single_ones() -> None:
    event = rest_event(headers=[("X-Tenant-ID", "a")])
    del event["multiValueHeaders"]
    assert headers_of(event) == [(b"X-Tenant-ID", b"a")]
    event["multiValueHeaders"] = event["headers"] = None
    assert headers_of(event) == []


@pytest.mark.parametrize("make", [url_event, rest_event])
def test_how_the_body_came_to_the_platform_is_not_told(make: Any) -> None:
    event = make(headers=[("Transfer-Encoding", "chunked"), ("X-A", "b")])
    assert [value for _, value in headers_of(event)] == [b"b"]


@pytest.mark.parametrize("make", [url_event, rest_event])
@pytest.mark.parametrize(
    ("path", "expected"), [("/%69ngest", "/ingest"), ("/ingest%2F", "/ingest/"), ("/%", "/%")]
)
def test_a_path_is_decoded(make: Any, path: str, expected: str) -> None:
    assert read_request(make(path=path)).path == expected


NO_REQUESTS: Final[dict[str, Any]] = {
    "null": None,
    "a string": "hello",
    "a list": [url_event()],
    "nothing": {},
    "a test event of the console": {"key1": "value1", "key2": "value2"},
    "SQS's": {"Records": []},
    "no http": {**url_event(), "requestContext": {}},
    "a context that is a string": {**url_event(), "requestContext": "x"},
    "no path": {k: v for k, v in url_event().items() if k != "rawPath"},
    "a method that is null": {**rest_event(), "httpMethod": None},
    "a path that is a number": {**rest_event(), "path": 5},
    "headers that are a list": {**url_event(), "headers": [["a", "b"]]},
    "a header that is a number": {**url_event(), "headers": {"content-length": 5}},
    "values that are a string": {**rest_event(), "multiValueHeaders": {"a": "b"}},
    "a body that is an object": {**url_event(), "body": {"text": "secret"}},
    "a body that is not base64": {**url_event(), "body": "secret!", "isBase64Encoded": True},
    "base64 with half of a surrogate": {**url_event(b"x"), "body": "\ud800"},
    "base64 without its padding": {
        **url_event(),
        "body": base64.b64encode(b"secret!").decode().rstrip("="),
    },
}


@pytest.mark.parametrize("event", NO_REQUESTS.values(), ids=NO_REQUESTS.keys())
def test_what_is_no_request_is_told_in_words_that_hold_nothing_of_it(event: object) -> None:
    with pytest.raises(NotHttp) as raised:
        read_request(event)
    assert len(str(raised.value)) < 60
    assert "secret" not in str(raised.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
        max_leaves=12,
    )
)
def test_whatever_json_it_is_it_is_a_request_or_none(event: object) -> None:
    try:
        request = read_request(event)
    except NotHttp:
        return
    assert isinstance(request.body, bytes)
