"""Decides how the warnings of the supervision side (电子监察预警) are kept in the county's approval database.

No public source shows such a table; its columns are composed by the habit of county systems from those of the exchange.
"""

from __future__ import annotations

from sqlalchemy import Table

from hub.sandbox.approval_columns import metadata, origin, text, updated

#: 电子监察预警: one row a warning that came down, YJLX 1 yellow, 2 red, 0 taken down again; the hall writes its reply into it.
T_JCYJ = Table(
    "T_JCYJ",
    metadata,
    text("ID", 50, "主键", primary_key=True),
    text("JCBH", 50, "监察编号"),
    text("BJBH", 50, "办件编号", nullable=False),
    text("GCBM", 50, "过程编码"),
    text("YJLX", 1, "预警类型, 0 绿灯 1 黄灯 2 红灯"),
    text("YJNR", 1000, "预警内容"),
    text("YJYY", 1000, "预警原因"),
    text("YJSJ", 19, "预警时间"),
    text("HFQX", 8, "回复期限, yyyyMMdd"),
    text("YJZT", 1, "状态, 0 待回复 1 已回复", server_default="0"),
    text("HFNR", 1000, "回复内容"),
    text("HFR", 100, "回复人"),
    text("HFSJ", 19, "回复时间"),
    text("BZ", 1000, "备注"),
    origin(),
    updated(),
)
