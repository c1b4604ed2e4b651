"""Decides who the state tax bureau (国税) of the county is: its channel, its people, and what they do with a case."""

from __future__ import annotations

from hub.sandbox.office import Office
from hub.sandbox.twins.taxservice import TaxServiceTwin


class NationalTaxTwin(TaxServiceTwin):
    """国税, until 2018 a system of its own."""

    name = "nationaltax"
    port = 5
    letters = "GS"
    channel = "GSGS.ZWDT.ZXXZSP"
    clerk, organ = "16211250001", "16211250000"
    offices = {"": Office("国税", ("受理审核", "登记核准"), "", "GS")}
