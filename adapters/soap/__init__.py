"""SOAP systems: XML in a string, headers with passwords, handshakes, GBK, and WSDLs that never quite fit."""

from __future__ import annotations

from adapters.soap.adapter import SoapAdapter

__all__ = ["SoapAdapter"]
