"""Decides how the county's 权责清单 is kept in its approval database: items, what belongs to them, and what is published.

Column names are those of county systems (pinyin or English) where a public source has them; comments marked 自拟 are composed
by the same habit. A changed item keeps its row and its ID, and gets the next number in SXBB.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from hub.sandbox.approval_columns import metadata, origin, text, updated

#: 权责事项: one row an item, as one body carries it out.
T_QZQD = Table(
    "T_QZQD",
    metadata,
    text("ID", 50, "主键", primary_key=True),
    text("SXBM", 36, "事项编码(实施编码)"),
    text("JBBM", 12, "基本编码"),
    text("FSXBM", 50, "分事项编码(业务办理项编码)"),
    text("SXMC", 1000, "事项名称"),
    text("SXXZ", 4, "事项性质"),
    text("SXLX", 4, "办件类型"),
    Column("SXBB", Integer, comment="事项版本"),
    text("FWSXZT", 4, "服务事项状态"),
    Column("XSYJ", Text, comment="行使依据(设定依据)"),
    text("RIGHT_SOURCE", 4, "权力来源"),
    text("EXERCISE_LEVEL", 4, "行使层级"),
    text("IMPL_DEPART", 200, "实施主体"),
    text("SSBMBM", 50, "所属部门编码(统一社会信用代码)"),
    text("IMPL_DEPART_XZ", 4, "实施主体性质"),
    text("WTBM", 100, "委托部门"),
    text("MXYHDX", 32, "面向用户对象, 逗号分隔"),
    Column("FDSXGZR", Integer, comment="法定时限(工作日)"),
    Column("FDQX", Text, comment="法定期限说明"),
    Column("CNQXGZR", Integer, comment="承诺期限(工作日)"),
    Column("CNQXSM", Text, comment="承诺期限说明"),
    Column("SQTJ", Text, comment="申请条件"),
    Column("BLLC", Text, comment="办理流程"),
    text("SFSF", 2, "是否收费"),
    Column("SFYJ", Text, comment="收费依据(自拟)"),
    text("SQFS", 8, "申请方式(办理形式), 逗号分隔"),
    Column("DXCCS", Integer, comment="到办事现场次数(自拟)"),
    text("LINK_NAME", 500, "特别程序环节名称"),
    text("BLDD", 500, "办理地点"),
    text("BGSJ", 500, "办公时间"),
    text("LXDH", 200, "咨询电话"),
    text("JDDH", 200, "监督电话"),
    text("SFWB", 2, "是否网办(自拟)"),
    text("WBSD", 20, "网上办理深度(自拟)"),
    text("WBDZ", 500, "网办地址(自拟)"),
    text("SLXZSM", 500, "数量限制说明"),
    text("BXXCBLYY", 1000, "必须现场办理原因"),
    text("SFJZZWDT", 2, "是否进驻政务大厅"),
    text("EXPRESS_SUPPORT", 2, "是否支持物流快递"),
    text("SFZCWSZF", 2, "是否支持网上支付(自拟)"),
    text("IS_APPOINT", 2, "是否支持预约办理"),
    text("SFZCZZZDBL", 2, "是否支持自助终端办理"),
    text("TBFW", 2, "通办范围(自拟)"),
    text("HBCS", 200, "会办处室(联办机构)"),
    text("FINISH_TYPE", 30, "办理结果类型"),
    text("RESULT_NAME", 200, "办理结果名称"),
    Column("CFZL", Text, comment="处罚的行为、种类、幅度(自拟), 处罚才有"),
    text("ZSZL", 2, "征收种类(自拟), 征收才有"),
    text("SFSJJM", 2, "是否涉及征收费减免的审批(自拟), 征收才有"),
    text("SXRQ", 19, "计划生效日期(自拟)"),
    text("QXRQ", 19, "计划取消日期(自拟)"),
    text("XZQHDM", 12, "行政区划代码"),
    text("BZ", 1000, "备注"),
    origin(),
    updated(),
)


def _of_item(name: str, *columns: Column[int] | Column[str]) -> Table:
    """Return a table of what belongs to an item; SXXZ is the item's, so that a row alone tells its family."""
    first = (text("ID", 50, "主键", primary_key=True), text("SXID", 50, "权责事项主键", nullable=False))
    item = (text("SXBM", 36, "事项编码(实施编码)"), text("FSXBM", 50, "分事项编码(业务办理项编码)"), text("SXXZ", 4, "事项性质"))
    last = (text("BZ", 1000, "备注"), origin(), updated())
    return Table(name, metadata, *first, *item, Column("XH", Integer, comment="序号"), *columns, *last)


#: 事项材料.
T_QZCL = _of_item(
    "T_QZCL",
    text("CLMC", 400, "材料名称"),
    text("SFBY", 2, "是否必要(自拟)"),
    text("CLLX", 4, "材料类型"),
    text("WJLX", 4, "文件类型(材料形式)"),
    Column("CLSL", Integer, comment="材料数量(纸质份数)"),
    text("CLGG", 200, "材料规格(自拟)"),
    text("LYQD", 4, "来源渠道(自拟)"),
    text("LYQDSM", 500, "来源渠道说明(自拟)"),
    text("TBXZ", 500, "填报须知(自拟)"),
    text("SLBZ", 1000, "受理标准(自拟)"),
    text("CLYJ", 1000, "要求提供材料的依据(自拟)"),
)

#: 事项收费项目.
T_QZSF = _of_item(
    "T_QZSF",
    text("SFXMMC", 400, "收费项目名称"),
    Column("SFBZ", Text, comment="收费标准(自拟)"),
    Column("SFYJ", Text, comment="收费依据(自拟)"),
    text("SFYXJM", 2, "是否允许减免(自拟)"),
    text("JMYJ", 1000, "允许减免依据(自拟)"),
)

#: 事项常见问题.
T_QZWT = _of_item("T_QZWT", text("WTNR", 1200, "问题(自拟)"), Column("WTJD", Text, comment="解答(自拟)"))

#: 已发布的事项: what the county's sub-site shows, as it was read back.
T_FBSX = Table(
    "T_FBSX",
    metadata,
    text("ID", 50, "主键", primary_key=True),
    text("FBBS", 50, "发布标识(自拟): 子站上的记录唯一标识"),
    text("SXBM", 36, "事项编码(实施编码)"),
    text("JBBM", 12, "基本编码"),
    text("FSXBM", 50, "分事项编码(业务办理项编码)"),
    text("SXMC", 1000, "事项名称"),
    text("SXXZ", 4, "事项性质"),
    Column("SXBB", Integer, comment="事项版本"),
    text("FWSXZT", 4, "服务事项状态"),
    text("EXERCISE_LEVEL", 4, "行使层级"),
    text("IMPL_DEPART", 200, "实施主体"),
    text("SSBMBM", 50, "所属部门编码(统一社会信用代码)"),
    text("XZQHDM", 12, "行政区划代码"),
    text("FBSJ", 19, "发布时间(自拟)"),
    origin(),
    updated(),
)

#: The 权责清单, items before what belongs to them.
ITEM_TABLES = (T_QZQD, T_QZCL, T_QZSF, T_QZWT)

for _table in ITEM_TABLES[1:]:
    Index(f"IX_{_table.name}_SXID", _table.c.SXID)

#: Local code lists of these tables; see hub.sandbox.approval.CODES.
ITEM_CODES: dict[str, dict[str, str]] = {
    "T_QZQD.SXXZ": {
        "XK": "行政许可",
        "CF": "行政处罚",
        "QZ": "行政强制",
        "ZS": "行政征收",
        "GF": "行政给付",
        "JC": "行政检查",
        "QR": "行政确认",
        "JL": "行政奖励",
        "CJ": "行政裁决",
        "QT": "其他行政权力",
        "GG": "公共服务",
    },
    "T_QZQD.SXLX": {"1": "即办件", "2": "承诺件", "3": "联办件", "4": "上报件"},
    "T_QZQD.FWSXZT": {"A": "在用", "T": "挂起", "X": "废止"},
    "T_QZQD.RIGHT_SOURCE": {"1": "法定本级行使", "2": "上级下放", "3": "上级授权", "4": "委托"},
    "T_QZQD.EXERCISE_LEVEL": {"1": "国家", "2": "省", "3": "市", "4": "县", "5": "镇", "6": "村", "7": "分级管理"},
    "T_QZQD.IMPL_DEPART_XZ": {"1": "法定机关", "2": "授权组织", "3": "受委托组织", "9": "其他"},
    "T_QZQD.TBFW": {"1": "全国", "2": "跨省", "3": "跨市", "4": "跨县"},
    "T_QZQD.FINISH_TYPE": {"10": "证照", "20": "批文", "90": "其他"},
    "T_QZQD.ZSZL": {"1": "税", "2": "费", "9": "其他"},
    "T_QZCL.CLLX": {"0": "原件", "1": "复印件", "2": "电子文件"},
    "T_QZCL.WJLX": {"0": "纸质", "1": "电子", "2": "纸质和电子"},
    "T_QZCL.LYQD": {"1": "申请人自备", "2": "政府部门核发", "9": "其他"},
}
