"""Decides which columns a national item row has: names, lengths and mandatory marks of the exchange tables `up_task_*` (2019).

Families by 事项类型: general (许可、给付、确认、奖励、裁决、其他), punish (处罚), handle (征收), check (强制、检查), public
(公共服务). Where two published table layouts differ in a length, the shorter one stands here.
"""

from __future__ import annotations

from hub.sandbox.columns import SYNC, Column


def _m(name: str, length: int, title: str) -> Column:
    return Column(name, length, True, title)


def _o(name: str, length: int, title: str) -> Column:
    return Column(name, length, False, title)


def _time(name: str, title: str) -> Column:
    return Column(name, 19, False, title, "time")


def _number(name: str, title: str, *, must: bool = True) -> Column:
    return Column(name, 10, must, title, "number")


def _long(name: str, title: str, *, must: bool = True) -> Column:
    """Return a `longtext` column: no limit that a row of ours could meet."""
    return Column(name, 10**6, must, title, "long")


_HEAD = (
    _m("row_guid", 50, "记录唯一标识"),
    _m("task_name", 1000, "事项名称"),
    _m("catalog_code", 12, "基本编码"),
    _o("local_catalog_code", 50, "地方基本编码"),
    _m("task_type", 2, "事项类型"),
    _long("by_law", "设定依据"),
)
_POWER = (_m("power_source", 2, "权力来源"),)
_CODES = (
    _m("task_code", 36, "实施编码"),
    _o("local_task_code", 50, "地方实施编码"),
    _o("task_handle_item", 50, "业务办理项编码"),
    _m("task_state", 2, "事项状态"),
    _number("task_version", "事项版本"),
    _m("dept_name", 200, "实施主体"),
    _m("dept_type", 2, "实施主体性质"),
    _m("dept_code", 50, "实施主体编码"),
    _o("entrust_name", 100, "委托部门"),
)
_DATES = (_time("plan_effective_date", "计划生效日期"), _time("plan_cancel_date", "计划取消日期"))


def _limits(*, must: bool) -> tuple[Column, ...]:
    """Return the legal and the promised limit: optional in the public family."""
    kind = _m if must else _o
    return (
        _number("anticipate_day", "法定办结时限", must=must),
        kind("anticipate_type", 2, "法定办结时限单位"),
        _long("anticipate_explain", "法定办结时限说明", must=False),
        _number("promise_day", "承诺办结时限", must=must),
        _number("promise_type", "承诺办结时限单位", must=must),
        _long("promise_explain", "承诺办结时限说明", must=False),
    )


_SERVICE = (
    _long("accept_condition", "受理条件"),
    _long("handle_flow", "办理流程"),
    _m("is_fee", 2, "是否收费"),
    _long("fee_basis", "收费依据", must=False),
    _m("server_type", 32, "服务对象"),
    _m("project_type", 2, "办件类型"),
    _o("handle_type", 5, "办理形式"),
    _number("limit_scene_num", "到办事现场次数"),
    _m("special_procedure", 500, "特别程序"),
    _m("app_is_single_login", 2, "移动端是否对接单点登录"),
    _o("mobile_terminal_url", 500, "移动端办理地址"),
    _m("is_single_login", 2, "计算机端是否对接单点登录"),
    _o("link_addr", 256, "计算机端在线办理跳转地址"),
    _m("transact_addr", 500, "办理地点"),
    _m("transact_time", 500, "办理时间"),
)
_WAYS = (_long("link_way", "咨询方式"), _long("supervise_way", "监督投诉方式"))
_LEVEL = (_m("use_level", 11, "行使层级"),)

GENERAL_BASIC = (*_HEAD, *_POWER, *_LEVEL, *_CODES, *_limits(must=True), *_SERVICE, *_WAYS, *_DATES, *SYNC)
PUBLIC_BASIC = (*_HEAD, *_LEVEL, *_CODES, *_limits(must=False), *_SERVICE, *_WAYS, *_DATES, *SYNC)

#: What the families of powers that act by themselves have in common: no application, so no conditions, places or hours.
_OWN_LIMIT = (
    _number("anticipate_day", "法定办结时限", must=False),
    _o("anticipate_type", 2, "法定办结时限单位"),
    _long("anticipate_explain", "法定办结时限说明", must=False),
    _long("handle_flow", "办理流程"),
)
_PUNISH_CODES = tuple(_m("local_task_code", 50, "地方实施编码") if c.name == "local_task_code" else c for c in _CODES)
PUNISH_BASIC = (
    *_HEAD,
    *_POWER,
    _m("use_level", 2, "行使层级"),
    *_PUNISH_CODES,
    *_OWN_LIMIT,
    *_WAYS,
    _m("punishment_method", 3000, "处罚的行为、种类、幅度"),
    *_DATES,
    *SYNC,
)
CHECK_BASIC = (*_HEAD, *_POWER, *_LEVEL, *_CODES, *_OWN_LIMIT, *_WAYS, *_DATES, *SYNC)
_LEVY = (_o("collect_type", 2, "征收种类"), _o("is_permit_reduce", 2, "是否涉及征收费减免的审批"))
HANDLE_BASIC = (*_HEAD, *_POWER, *_LEVEL, *_CODES, *_OWN_LIMIT, *_WAYS, *_LEVY, *_DATES, *SYNC)

_OF_ITEM = (
    _m("row_guid", 50, "记录唯一标识"),
    _m("task_guid", 50, "事项唯一标识"),
    _m("task_code", 36, "实施编码"),
    _o("task_handle_item", 50, "业务办理项编码"),
)
_ORDER = (_number("order_num", "排序"),)
_TOPICS = tuple(
    _o(name, length, title)
    for name, length, title in (
        ("user_topic_type", 40, "面向自然人事项主题分类"),
        ("corp_topic_type", 40, "面向法人事项主题分类"),
        ("user_character_topic_type", 100, "面向自然人地方特色主题分类"),
        ("corp_character_topic_type", 100, "面向法人地方特色主题分类"),
        ("town_code", 18, "乡镇街道代码"),
        ("town_name", 200, "乡镇街道名称"),
        ("village_code", 18, "村居社区代码"),
        ("village_name", 200, "村居社区名称"),
        ("extend_field", 2000, "扩展字段"),
    )
)


def _extend(*, limit: bool, result: int) -> tuple[Column, ...]:
    return (
        *_OF_ITEM,
        _m("is_online", 2, "是否网办"),
        _o("online_handle_depth", 20, "网上办理深度"),
        _o("online_handle_url", 256, "网办地址"),
        *([_o("limit_explain", 256, "数量限制")] if limit else []),
        _o("limit_scene_explain", 1000, "必须到现场办理原因说明"),
        _m("is_entry_center", 2, "是否进驻政务大厅"),
        _m("is_express", 2, "是否支持物流快递"),
        _m("is_pay_online", 2, "是否支持网上支付"),
        _o("is_schedule", 2, "是否支持预约办理"),
        _o("is_service_terminals", 2, "是否支持终端办理"),
        _o("handle_area", 2, "通办范围"),
        _o("other_dept", 200, "联办机构"),
        _m("result_type", result, "审批结果类型"),
        _o("result_name", 200, "审批结果名称"),
        _o("result_guid", 256, "审批结果样本"),
        _o("service_type", 500, "中介服务"),
        *_TOPICS,
        *SYNC,
    )


GENERAL_EXTEND = _extend(limit=True, result=30)
PUBLIC_EXTEND = _extend(limit=False, result=2)

MATERIAL = (
    *_OF_ITEM,
    _m("material_name", 200, "材料名称"),
    _m("is_need", 2, "材料必要性"),
    _o("material_type", 2, "材料类型"),
    _o("material_format", 2, "材料形式"),
    _number("page_num", "纸质材料份数", must=False),
    _o("page_format", 200, "纸质材料规格"),
    _o("source_type", 2, "来源渠道"),
    _o("source_explain", 500, "来源渠道说明"),
    _o("form_guid", 256, "空白表格"),
    _o("example_guid", 256, "示例样表"),
    _o("fill_explain", 500, "填报须知"),
    _o("accept_stand", 1000, "受理标准"),
    _o("by_law", 1000, "要求提供材料的依据"),
    _o("remark", 1000, "备注"),
    *_ORDER,
    *SYNC,
)
FEE_PROJECT = (
    *_OF_ITEM,
    _m("fee_name", 200, "收费项目名称"),
    _long("fee_stand", "收费标准"),
    _o("by_law", 1000, "收费依据"),
    _o("is_desc", 2, "是否允许减免"),
    _o("desc_explain", 1000, "允许减免依据"),
    _o("remark", 1000, "备注"),
    *_ORDER,
    *SYNC,
)
QUESTIONS = (*_OF_ITEM, _m("question", 1000, "常见问题"), _long("answer", "解答"), *_ORDER, *SYNC)
