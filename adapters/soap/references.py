"""Decides how the references of SOAP-encoded answers are followed, and when there are too many of them."""

from __future__ import annotations

import copy

from lxml import etree

#: Most elements that following references may add, and how deep they may nest; honest answers stay far below.
_MOST, _DEEPEST = 200_000, 64


class TooManyReferences(Exception):
    """References that lead in circles, or multiply like the entities of an XML bomb."""


def dereference(body: etree._Element) -> None:
    """Put what each `href="#id"` points to in its place, in this tree (SOAP 1.1, section 5.2.1).

    Raises TooManyReferences; zeep's own function would follow a circle until the memory ends.
    """
    targets = {child.get("id"): child for child in body if child.get("id")}
    if not targets:
        return
    sizes = {name: sum(1 for _ in target.iter()) for name, target in targets.items()}
    budget, used = _MOST, set()
    waiting = [(child, 0) for child in body[:1]]
    while waiting:
        element, depth = waiting.pop()
        name = (element.get("href") or "").removeprefix("#")
        if name in targets and element is not targets[name]:
            budget -= sizes[name]
            depth += 1
            if budget < 0 or depth > _DEEPEST:
                raise TooManyReferences
            _fill(element, targets[name])
            used.add(name)
        waiting += [(child, depth) for child in element]
    for name in used:
        body.remove(targets[name])


def _fill(place: etree._Element, target: etree._Element) -> None:
    del place.attrib["href"]
    for name, value in target.attrib.items():
        if name != "id" and not str(name).endswith("}root"):
            place.set(name, value)
    place.text = target.text
    place.extend([copy.deepcopy(child) for child in target])
