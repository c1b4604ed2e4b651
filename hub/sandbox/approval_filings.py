"""Decides how applications that come in online are kept in the county's approval database (网上申报)."""

from __future__ import annotations

from sqlalchemy import Index, Table, Text
from sqlalchemy.schema import Column

from hub.sandbox.approval_columns import metadata, origin, text, updated

#: 网上申报: one row an application. Names are those of Guangdong's EX_GDBS_SB where it has them. ZT, BJBH and what follows them are
#: the hall's own; while ZT is empty nobody has looked at the application.
T_WSSQ = Table(
    "T_WSSQ",
    metadata,
    text("SBLSH", 50, "申办流水号", primary_key=True),
    text("SXBM", 36, "事项编码(实施编码)"),
    text("FSXBM", 50, "分事项编码(业务办理项编码)"),
    text("SXMC", 1000, "事项名称"),
    text("SQRLX", 4, "申请人类型"),
    text("SQRMC", 400, "申请人名称"),
    text("SQRZJLX", 8, "申请人证件类型"),
    text("SQRZJHM", 64, "申请人证件号码"),
    text("FRDB", 200, "法人代表"),
    text("LXRXM", 200, "联系人姓名"),
    text("LXRZJLX", 8, "联系人证件类型"),
    text("LXRSFZJHM", 64, "联系人身份证件号码"),
    text("LXRSJ", 32, "联系人手机"),
    text("TXDZ", 500, "通讯地址"),
    text("YZBM", 10, "邮政编码"),
    text("SQFS", 4, "申请方式"),
    text("SBXMMC", 2000, "申办项目名称"),
    text("SBSJ", 19, "申办时间"),
    Column("SBCLQD", Text, comment="申办材料清单, JSON: CLMC 材料名称, FJMC 附件名称"),
    text("XZQHDM", 12, "行政区划代码"),
    text("ZT", 2, "办理状态, 空为待受理"),
    text("BJBH", 50, "受理后的办件编号"),
    text("BSLYY", 1000, "不受理原因"),
    text("CLRXM", 100, "处理人姓名"),
    text("CLSJ", 19, "处理时间"),
    text("BZ", 1000, "备注"),
    origin(),
    updated(),
)
Index("IX_T_WSSQ_BJBH", T_WSSQ.c.BJBH)

#: T_WSSQ.ZT: what the hall says of an application: 已受理, 不予受理, 已办结.
ACCEPTED, REFUSED, ENDED = "SL", "BY", "BJ"
