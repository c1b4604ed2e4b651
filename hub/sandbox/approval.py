"""Decides what the county's local approval database looks like: its tables with pinyin columns, and their local codes.

Column names follow the habit of county approval systems (first letters of each Hanzi); times are text `yyyy-MM-dd HH:mm:ss` in
Beijing time, as those systems keep them. `GXSJ` (更新时间) is the column to read increments by: many rows share one value.
"""

from __future__ import annotations

from sqlalchemy import Column, Engine, Index, Integer, LargeBinary, Table

from hub.sandbox.approval_columns import metadata
from hub.sandbox.approval_columns import origin as _origin
from hub.sandbox.approval_columns import text as _text
from hub.sandbox.approval_columns import updated as _updated
from hub.sandbox.approval_filings import T_WSSQ
from hub.sandbox.approval_items import ITEM_TABLES, T_FBSX
from hub.sandbox.approval_vehicles import T_CLXX
from hub.sandbox.approval_warnings import T_JCYJ
from hub.sandbox.databases import opened

#: 办件: one row a case.
T_BJ = Table(
    "T_BJ",
    metadata,
    _text("BJBH", 50, "办件编号", primary_key=True),
    _text("SXBM", 36, "事项编码(实施编码)"),
    _text("JBBM", 12, "基本编码"),
    _text("SXMC", 1000, "事项名称"),
    _text("FSXBM", 50, "分事项编码(业务办理项编码)"),
    _text("FSXMC", 200, "分事项名称"),
    _text("SXXZ", 4, "事项性质"),
    _text("SXLX", 4, "办件类型"),
    Column("SXBB", Integer, comment="事项版本"),
    _text("SQRLX", 4, "申请人类型"),
    _text("SQRMC", 400, "申请人名称"),
    _text("SQRZJLX", 8, "申请人证件类型"),
    _text("SQRZJHM", 64, "申请人证件号码"),
    _text("SQRSJH", 32, "申请人手机号"),
    _text("FRDB", 200, "法人代表"),
    _text("LXRXM", 200, "联系人姓名"),
    _text("LXRSJ", 32, "联系人手机"),
    _text("LXRZJLX", 8, "联系人证件类型"),
    _text("LXRSFZJHM", 64, "联系人身份证件号码"),
    _text("TXDZ", 500, "通讯地址"),
    _text("YZBM", 10, "邮政编码"),
    _text("SQFS", 4, "申请方式"),
    _text("SBXMMC", 2000, "申办项目名称"),
    _text("SBSJ", 19, "申办时间"),
    _text("SLSJ", 19, "受理时间"),
    _text("SLBMMC", 200, "受理部门名称"),
    _text("SLBMXYDM", 18, "受理部门统一社会信用代码"),
    _text("SLRXM", 100, "受理人姓名"),
    _text("SLHZH", 50, "受理回执号"),
    Column("CNQXGZR", Integer, comment="承诺期限(工作日)"),
    _text("CNBJSJ", 19, "承诺办结时间"),
    _text("XZQHDM", 12, "行政区划代码"),
    _text("SSZX", 4, "所属分中心"),
    _text("BJCXMM", 6, "办件查询密码"),
    _text("BJZT", 2, "办件状态"),
    _text("SBLSH", 50, "申办流水号: 网上申报来的才有"),
    _text("BZ", 1000, "备注"),
    _origin(),
    _updated(),
)

#: 办理环节 (步骤): one row a step.
T_BZ = Table(
    "T_BZ",
    metadata,
    _text("ID", 50, "主键", primary_key=True),
    _text("BJBH", 50, "办件编号", nullable=False),
    Column("XH", Integer, comment="序号"),
    _text("HJMC", 1000, "环节名称"),
    _text("HJZT", 4, "环节状态(业务动作)"),
    _text("BLRXM", 100, "办理人姓名"),
    _text("BLYJ", 4000, "办理意见"),
    _text("KSSJ", 19, "开始时间"),
    _text("JSSJ", 19, "结束时间, 可空"),
    _text("BZ", 1000, "备注"),
    _origin(),
    _updated(),
)

#: 特别程序: 补正, 听证, 延长 and the like.
T_TBCX = Table(
    "T_TBCX",
    metadata,
    _text("ID", 50, "主键", primary_key=True),
    _text("BJBH", 50, "办件编号", nullable=False),
    _text("TBCXZL", 4, "特别程序种类"),
    _text("TBCXZLMC", 1000, "特别程序种类名称"),
    _text("TBCXKSRQ", 19, "特别程序开始日期"),
    _text("TBCXJSRQ", 19, "特别程序结束日期"),
    _text("TBCXQDLY", 2000, "特别程序启动理由和依据"),
    _text("SQRXM", 100, "申请人姓名"),
    _text("TBCXPZR", 100, "特别程序批准人"),
    _text("TBCXJG", 2000, "特别程序结果"),
    _text("BLYJ", 2000, "办理意见"),
    _text("BZ", 1000, "备注"),
    _origin(),
    _updated(),
)

#: 申请材料.
T_CL = Table(
    "T_CL",
    metadata,
    _text("ID", 50, "主键", primary_key=True),
    _text("BJBH", 50, "办件编号", nullable=False),
    Column("XH", Integer, comment="序号"),
    _text("CLMC", 400, "材料名称"),
    _text("SQFS", 4, "收取方式"),
    Column("CLSL", Integer, comment="材料数量"),
    _text("FJMC", 200, "附件名称"),
    _text("BZ", 1000, "备注"),
    _origin(),
    _updated(),
)

#: 办件结果: at most one row a case.
T_JG = Table(
    "T_JG",
    metadata,
    _text("ID", 50, "主键", primary_key=True),
    _text("BJBH", 50, "办件编号", nullable=False),
    _text("BLRXM", 100, "办理人姓名"),
    _text("BJSJ", 19, "办结时间"),
    _text("BJJGDM", 4, "办结结果代码"),
    _text("BJJGMS", 2000, "办结结果描述"),
    _text("ZJGZMC", 256, "证照名称"),
    _text("ZJBH", 200, "证照编号"),
    _text("ZJYXQX", 19, "证照有效期限"),
    _text("SFKD", 2, "是否快递递送"),
    _text("MYD", 2, "满意度"),
    _text("BZ", 1000, "备注"),
    _origin(),
    _updated(),
)

#: 收费: at most one row a case.
T_SF = Table(
    "T_SF",
    metadata,
    _text("ID", 50, "主键", primary_key=True),
    _text("BJBH", 50, "办件编号", nullable=False),
    _text("JKDH", 50, "缴款单号"),
    _text("SFXMMC", 200, "收费项目名称"),
    _text("SFDW", 200, "收费单位"),
    _text("SFRXM", 100, "收费人员"),
    _text("SFJE", 20, "收费金额, 元, 文本"),
    _text("JEDWDM", 3, "金额单位代码"),
    _text("SFSJ", 19, "收费时间"),
    _text("JKR", 400, "缴款人"),
    _text("BZ", 1000, "备注"),
    _origin(),
    _updated(),
)

#: 评价 (好差评): one row a rating; a further word on one is a row that names it in YPJID. SFMR marks what nobody rated: the praise
#: that the system enters by itself two working days after the end.
T_PJ = Table(
    "T_PJ",
    metadata,
    _text("ID", 50, "主键", primary_key=True),
    _text("BJBH", 50, "办件编号", nullable=False),
    _text("SXBM", 36, "事项编码(实施编码)"),
    _text("FSXBM", 50, "分事项编码(业务办理项编码)"),
    _text("SXMC", 1000, "事项名称"),
    _text("SXLX", 4, "办件类型"),
    _text("SLBMMC", 200, "受理部门名称"),
    _text("SLBMXYDM", 18, "受理部门统一社会信用代码"),
    _text("SLSJ", 19, "受理时间"),
    _text("BJZT", 2, "评价时的办件状态"),
    _text("HJMC", 1000, "评价的环节名称"),
    _text("PJQD", 2, "评价渠道"),
    _text("CKH", 10, "窗口号"),
    _text("PJRXM", 400, "评价人姓名"),
    _text("PJRLX", 4, "评价人类型"),
    _text("PJRZJLX", 8, "评价人证件类型"),
    _text("PJRZJHM", 64, "评价人证件号码"),
    _text("PJRSJ", 32, "评价人手机"),
    _text("DLRXM", 200, "代理人姓名"),
    _text("DLRZJLX", 8, "代理人证件类型"),
    _text("DLRZJHM", 64, "代理人证件号码"),
    _text("BLRXM", 100, "被评价人姓名"),
    _text("MYD", 2, "满意度"),
    _text("PJZB", 200, "评价指标, 逗号分隔"),
    _text("PJNR", 2000, "文字评价"),
    _text("PJSJ", 19, "评价时间"),
    Column("PJCS", Integer, comment="评价次数"),
    Column("FWCS", Integer, comment="服务次数"),
    _text("SFMR", 1, "是否系统默认好评"),
    _text("YPJID", 50, "原评价主键, 追评才有"),
    _text("XZQHDM", 12, "行政区划代码"),
    _text("BZ", 1000, "备注"),
    _origin(),
    _updated(),
)

#: 附件: the file behind a material or a certificate; SSB and SSID name the table and the row it belongs to.
T_FJ = Table(
    "T_FJ",
    metadata,
    _text("ID", 50, "主键", primary_key=True),
    _text("BJBH", 50, "办件编号"),
    _text("SSB", 8, "所属表"),
    _text("SSID", 50, "所属行主键"),
    _text("FJMC", 200, "附件名称"),
    Column("NR", LargeBinary(2**24 - 1), comment="内容"),
    _origin(),
    _updated(),
)

#: Cases and what belongs to them, parents before children.
CASE_TABLES = (T_BJ, T_BZ, T_TBCX, T_CL, T_JG, T_SF, T_PJ, T_FJ)
TABLES = (*CASE_TABLES, *ITEM_TABLES, T_FBSX, T_JCYJ, T_WSSQ, T_CLXX)

for _table in TABLES:
    Index(f"IX_{_table.name}_GXSJ", _table.c.GXSJ, *_table.primary_key.columns)
for _table in CASE_TABLES:
    if _table is not T_BJ:
        Index(f"IX_{_table.name}_BJBH", _table.c.BJBH)

#: Local code lists, column -> code -> label. A code outside its list is a fault of the source.
CODES: dict[str, dict[str, str]] = {
    "T_BJ.SXXZ": {
        "XK": "行政许可",
        "QR": "行政确认",
        "GF": "行政给付",
        "JL": "行政奖励",
        "CJ": "行政裁决",
        "QT": "其他行政权力",
        "GG": "公共服务",
    },
    "T_BJ.SXLX": {"1": "即办件", "2": "承诺件", "3": "联办件", "4": "上报件"},
    "T_BJ.SQRLX": {"1": "个人", "2": "企业", "3": "个体工商户", "4": "机关", "5": "事业单位", "6": "社会团体", "9": "其他"},
    "T_BJ.SQRZJLX": {"SF": "居民身份证", "HZ": "普通护照", "XYDM": "统一社会信用代码", "JGDM": "组织机构代码", "QT": "其他"},
    "T_BJ.LXRZJLX": {"SF": "居民身份证", "HZ": "普通护照", "QT": "其他"},
    "T_BJ.SQFS": {"0": "窗口", "1": "网上", "2": "信函快递", "4": "移动端"},
    "T_BJ.SSZX": {
        "SB": "社保分中心",
        "JJ": "交警分中心",
        "YG": "运管分中心",
        "DS": "地税分中心",
        "GS": "国税分中心",
        "SW": "税务分中心",
    },
    "T_BJ.BJZT": {"01": "已受理", "02": "办理中", "03": "已办结", "09": "作废"},
    "T_BZ.HJZT": {"2": "已办", "3": "退回", "4": "转办", "6": "办结"},
    "T_TBCX.TBCXZL": {"YC": "延长审批", "BZ": "补正", "TZ": "听证", "GS": "公示", "GQ": "挂起"},
    "T_CL.SQFS": {"0": "纸质原件", "1": "复印件", "2": "电子文件", "3": "证照库", "4": "数据共享"},
    "T_JG.BJJGDM": {"Y": "准予", "N": "不予", "T": "退件", "Z": "申请人撤回", "B": "转报上级"},
    "T_JG.SFKD": {"1": "是", "0": "否"},
    "T_PJ.BJZT": {"01": "已受理", "02": "办理中", "03": "已办结"},
    "T_PJ.PJQD": {
        "1": "窗口平板",
        "2": "窗口按键器",
        "3": "审批后台",
        "4": "网站",
        "5": "手机",
        "6": "二维码",
        "7": "电话",
        "8": "短信",
    },
    "T_PJ.MYD": {"5": "非常满意", "4": "满意", "3": "基本满意", "2": "不满意", "1": "非常不满意"},
    "T_PJ.SFMR": {"1": "是", "0": "否"},
    "T_JG.MYD": {"5": "非常满意", "4": "满意", "3": "基本满意", "2": "不满意", "1": "非常不满意"},
}


def create(url: str) -> Engine:
    """Create the missing tables in the database at `url` (any SQLAlchemy URL) and return its engine, which the caller disposes."""
    engine = opened(url)
    metadata.create_all(engine)
    return engine
