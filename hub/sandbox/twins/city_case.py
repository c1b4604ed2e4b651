"""Decides what is wrong with one <Case> document: its encoding, its header, its elements, as a strict reader would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from hub.sandbox.twins.city_types import RULES, TIME, TYPES, Element

#: Elements of which there may be several, also when there is one.
LISTS = frozenset({"Attr"})
_DECLARED = re.compile(rb"""^<\?xml version="1\.0" encoding="([A-Za-z0-9-]+)"\?>""")


class Unreadable(Exception):
    """No document in its declared character set, or no XML."""


def read(content: bytes) -> tuple[etree._Element, Any]:
    """Return the root of a document and its Body as data. Raises Unreadable."""
    found = _DECLARED.match(content)
    if found is None:
        raise Unreadable("没有 XML 声明")
    name = found[1].decode().lower()
    try:
        text = content.decode("gb18030" if name in ("gb2312", "gbk", "gb18030") else name)
        root = etree.fromstring(text[found.end() :].encode(), _parser())
    except (UnicodeDecodeError, LookupError, etree.XMLSyntaxError) as error:
        raise Unreadable(f"报文解析失败 {type(error).__name__}") from None
    body = root.find("Body")
    if root.tag != "Case" or body is None:
        raise Unreadable("不是 Case 报文")
    return root, data(body)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False)


def data(element: etree._Element) -> Any:
    """Return an element as nested texts; those of `LISTS` as lists."""
    if len(element) == 0:
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        if child.tag in LISTS:
            found.setdefault(child.tag, []).append(data(child))
        elif child.tag in found:
            raise Unreadable(f"{child.tag} 重复")
        else:
            found[child.tag] = data(child)
    return found


def faults(kind: str, root: etree._Element, body: Any, unid: str) -> list[str]:
    """Return everything a strict reader finds wrong, in words that quote no value."""
    found = [*_header(kind, root, unid)]
    elements = TYPES.get(kind)
    if elements is None:
        return [*found, "消息类型不存在"]
    found += [fault for element in elements for fault in _element(element, body)]
    return found or [fault for rule in RULES.get(kind, ()) for fault in rule(body)]


def _header(kind: str, root: etree._Element, unid: str) -> Iterator[str]:
    if root.get("unid") != unid or root.get("type") != kind or root.get("xsd") != "1.0":
        yield "Case 的 unid、type、xsd 与数据行不符"
    router = {child.tag: child.text or "" for child in root.iterfind("Router/*")}
    if (router.get("FromAreaCode"), router.get("ToAreaCode")) != ("621125", "621100"):
        yield "Router 的地区代码错误"
    if not TIME.fullmatch(router.get("Time", "")):
        yield "Router 的 Time 格式错误"


def _element(element: Element, body: Any) -> Iterator[str]:
    for value in _at(body, element.path.split(".")):
        name = element.path.rpartition(".")[2]
        if not isinstance(value, str):
            yield f"缺少元素 {name}"
        elif not value:
            if element.must:
                yield f"{name} 不能为空"
        elif len(value) > element.length:
            yield f"{name} 超过 {element.length} 个字符"
        elif not element.fits(value):
            yield f"{name} 取值或格式错误"


def _at(tree: Any, steps: list[str]) -> Iterator[Any]:
    """Yield what stands at a path, once for each item of a list on the way; None where it breaks off."""
    if not steps:
        yield tree
    elif isinstance(tree, list):
        for item in tree:
            yield from _at(item, steps)
    elif isinstance(tree, dict) and steps[0] in tree:
        yield from _at(tree[steps[0]], steps[1:])
    elif tree == "" and steps[0] in LISTS:  # <Attrs/>: none at all
        return
    else:
        yield None


def text(body: Any, path: str) -> str:
    """Return the text at a path, empty when there is none."""
    found = next(_at(body, path.split(".")), None)
    return found if isinstance(found, str) else ""
