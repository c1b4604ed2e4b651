"""The bundled public schemas: all there, all readable, nothing else."""

from __future__ import annotations

import pytest
from lxml import etree

from adapters.soap import schemas


@pytest.mark.parametrize("address", sorted(schemas._FILES))
def test_each_is_a_schema(address: str) -> None:
    for scheme in ("http", "https"):
        content = schemas.bundled(f"{scheme}://{address}")
        assert content is not None
        root = etree.fromstring(content)
        assert root.tag == "{http://www.w3.org/2001/XMLSchema}schema"


@pytest.mark.parametrize("name", sorted(set(schemas._FILES.values())))
def test_libxml_accepts_it(name: str) -> None:
    (address, *_) = [address for address, file in schemas._FILES.items() if file == name]

    class Beside(etree.Resolver):
        def resolve(self, url: str, public: str, context: object) -> object:
            raise AssertionError(f"{name} wants {url}")

    parser = etree.XMLParser()
    parser.resolvers.add(Beside())
    root = etree.fromstring(schemas.bundled(f"http://{address}"), parser)
    if name != "soap-envelope.xsd":
        etree.XMLSchema(root)


def test_others_are_not_bundled() -> None:
    assert schemas.bundled("http://www.example.org/x.xsd") is None
    assert schemas.bundled("/etc/hostname") is None
