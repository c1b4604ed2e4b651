"""Decides who the tax bureau (税务) of the county is since 国税 and 地税 became one in 2018: their dialect is the former's."""

from __future__ import annotations

from hub.sandbox.office import Office
from hub.sandbox.twins.taxservice import TaxServiceTwin


class TaxTwin(TaxServiceTwin):
    """税务, the successor of both; what they did it does."""

    name = "tax"
    port = 7
    letters = "SW"
    channel = "GSSW.ZWDT.ZXXZSP"
    clerk, organ = "16211250011", "16211250010"
    offices = {
        "契税": Office("税务", ("受理审核", "税款核定", "完税办结"), "契税完税证明", "SW"),
        "": Office("税务", ("受理审核", "核准办结"), "", "SW"),
    }
