"""Decides how the county keeps the list of commercial vehicles that the transport office shows: one row a vehicle."""

from __future__ import annotations

from sqlalchemy import Table

from hub.sandbox.approval_columns import metadata, origin, text, updated

#: 营运车辆: what YZ_VEHICLEINFO says of each, in columns named by this database's habit.
T_CLXX = Table(
    "T_CLXX",
    metadata,
    text("ID", 50, "主键", primary_key=True),
    text("CPHM", 20, "车牌号码"),
    text("CPYS", 10, "车牌颜色"),
    text("HDZW", 10, "核定座位"),
    text("YHM", 200, "业户名"),
    text("YSZH", 50, "运输证号"),
    text("JYFW", 500, "经营范围"),
    text("XKZH", 50, "许可证号"),
    text("NSRQ", 10, "年审日期"),
    text("FZRQ", 10, "发证日期"),
    text("NSYXQ", 10, "年审有效期"),
    text("YHDZ", 400, "业户地址"),
    text("FDJH", 50, "发动机号"),
    text("CJHM", 50, "车架号码"),
    text("XZQY", 50, "行政区域"),
    text("CPXH", 100, "厂牌型号"),
    text("LXDH", 40, "联系电话"),
    text("CX", 50, "车型"),
    text("HDDW", 20, "核定吨位"),
    text("XSZNSYXQ", 10, "行驶证年审有效期"),
    text("ZZL", 20, "总质量"),
    text("CLZT", 20, "车辆状态"),
    text("YYLX", 50, "营运类型"),
    origin(),
    updated(),
)
