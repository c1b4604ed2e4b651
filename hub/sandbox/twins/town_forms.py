"""Decides how each township writes its cases down: its own titles, words, times, encoding, and the way they reach the hub.

Thirteen offices (codes: statistics codes of Zhangxian's townships) with thirteen habits, all invented; between them 140 village
points. The fields: number 办件编号, item 实施编码, title 事项名称, kind 申请人类型, name 申请人, paper 证件号码,
phone 手机, contact 联系人, village 村级便民服务点, address 住址, applied 申请时间, accepted 受理时间, clerk 受理人,
checked 审核时间, checker 审核人, opinion 审核意见, closed 办结时间, result 结果, certificate 证照名称, serial 证照编号, words 说明.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hub.sandbox.county import TOWNSHIPS

_VILLAGES = ("上河村", "下河村", "东坪村", "西坪村", "南沟村", "北沟村", "前川村", "后川村", "新庄村", "老庄村", "中滩村")
#: So many townships have one village point less than the others: 10 × 11 + 3 × 10 = 140.
_SMALLER = 3

_PEOPLE = {"1": "个人", "2": "企业"}
_RESULTS = {"Y": "准予", "N": "不予", "T": "退件", "Z": "撤回", "B": "转报"}


@dataclass(frozen=True, slots=True)
class Form:
    """One township's habit. `titles` is field → its own title, in its own order; `moment` a strftime format.

    way: a file dropped with a marker or a manifest, or a push signed in one of three manners. `people` and `results` are its words
    for the hall's codes; `last` begins a sum row at the end.
    """

    system: str
    division: str
    way: Literal["marker", "manifest", "webhook", "sm3", "md5"]
    format: Literal["csv", "xlsx", "xml", "jsonl", "json", "form"]
    encoding: str
    titles: Mapping[str, str]
    moment: str = "%Y-%m-%d %H:%M:%S"
    people: Mapping[str, str] = field(default_factory=lambda: _PEOPLE)
    results: Mapping[str, str] = field(default_factory=lambda: _RESULTS)
    delimiter: str = ","
    heading: str = ""
    last: str = ""
    attributes: bool = False

    @property
    def name(self) -> str:
        """The township's Chinese name."""
        return TOWNSHIPS[self.division]

    @property
    def villages(self) -> tuple[str, ...]:
        """Its village points."""
        small = self.division in tuple(TOWNSHIPS)[-_SMALLER:]
        return _VILLAGES[: len(_VILLAGES) - small]


def _titles(text: str) -> dict[str, str]:
    """Read `field=title` words."""
    return dict(word.split("=", 1) for word in text.split())


FORMS = (
    Form(
        "town-wuyang", "621125100", "webhook", "json", "utf-8",
        _titles("""
            number=bjbh item=sxbm title=sxmc kind=sqrlx name=sqr paper=zjhm phone=sjh contact=lxr village=cun address=dz
            applied=sqsj accepted=slsj clerk=slr checked=shsj checker=shr opinion=shyj closed=bjsj result=jg
            certificate=zzmc serial=zzbh words=sm
        """),
        moment="%Y-%m-%dT%H:%M:%S+08:00", people={"1": "1", "2": "2"},
    ),
    Form(
        "town-sancha", "621125101", "marker", "xlsx", "",
        _titles("""
            number=受理编号 title=办理事项 item=事项编码 name=申请人 kind=申请人类别 paper=身份证号 phone=联系电话
            village=所在村 address=住址 applied=申请日期 accepted=受理日期 clerk=经办人 checked=审核日期 checker=审核人
            closed=办结日期 result=办理结果 certificate=证书名称 serial=证书编号 words=备注
        """),
        people={"1": "个人", "2": "合作社"}, heading="三岔镇便民服务中心办件登记表",
    ),
    Form(
        "town-xinsi", "621125102", "marker", "csv", "gbk",
        _titles("""
            number=业务号 item=实施编码 title=事项名称 name=姓名或单位 paper=证件号 kind=类型 phone=手机
            village=村级便民点 address=住址 applied=申请时间 accepted=受理时间 clerk=受理人 checked=审核时间
            opinion=审核意见 closed=办结时间 result=结论 certificate=证名 serial=证号 words=说明
        """),
        moment="%Y/%m/%d %H:%M", people={"1": "自然人", "2": "法人"},
        results={"Y": "通过", "N": "不通过", "T": "退件", "Z": "撤回", "B": "转报"},
    ),
    Form(
        "town-jinzhong", "621125103", "sm3", "csv", "gbk",
        _titles("""
            number=流水号 name=申请人姓名 paper=申请人证件 kind=申请人性质 phone=电话 contact=代办人 village=村
            address=地址 item=事项代码 title=事项 applied=登记时间 accepted=受理时间 clerk=窗口人员 checked=初审时间
            checker=初审人 opinion=初审意见 closed=完成时间 result=办理情况 certificate=发证名称 serial=发证编号
            words=情况说明
        """),
        moment="%Y%m%d%H%M%S",
    ),
    Form(
        "town-yanjing", "621125104", "marker", "csv", "gbk",
        _titles("""
            number=编号 title=事项 item=编码 name=办事人 kind=办事人类型 paper=证件号码 phone=联系方式 village=村名
            applied=申请时间 accepted=受理时间 clerk=受理人 checked=审批时间 checker=审批人 closed=办结时间
            result=办结方式 certificate=证照 serial=证照号 words=备注
        """),
        moment="%Y年%m月%d日 %H:%M:%S", people={"1": "村民", "2": "合作社"},
    ),
    Form(
        "town-yihuqiao", "621125105", "marker", "csv", "utf-8-sig",
        _titles("""
            village=便民服务点 number=办件编号 item=事项编码 title=事项名称 kind=申请人类型 name=申请人 paper=证件号码
            phone=手机号 address=通讯地址 applied=申请时间 accepted=受理时间 clerk=受理人 checked=审核时间 checker=审核人
            opinion=审核意见 closed=办结时间 result=办结结果 certificate=证照名称 serial=证照编号 words=办结说明
        """),
        moment="%Y-%m-%d %H:%M",
    ),
    Form(
        "town-dacaotan", "621125106", "marker", "xml", "gb18030",
        _titles("""
            number=BH item=SXDM title=SXMC name=XM kind=LX paper=SFZ phone=DH village=CUN address=ZZ applied=SQRQ
            accepted=SLRQ clerk=SLR checked=SHRQ checker=SHR closed=BJRQ result=JG certificate=ZJMC serial=ZJHM words=BZ
        """),
        attributes=True,
    ),
    Form(
        "town-sizu", "621125107", "marker", "jsonl", "utf-8",
        _titles("""
            number=caseNo item=itemCode title=itemName kind=applicantType name=applicant paper=idNo phone=mobile
            contact=agent village=village address=address applied=applyTime accepted=acceptTime clerk=acceptBy
            checked=auditTime checker=auditBy opinion=auditOpinion closed=finishTime result=finishResult
            certificate=licenseName serial=licenseNo words=remark
        """),
        people={"1": "PERSON", "2": "COMPANY"},
        results={"Y": "APPROVED", "N": "REFUSED", "T": "RETURNED", "Z": "WITHDRAWN", "B": "FORWARDED"},
    ),
    Form(
        "town-shichuan", "621125108", "md5", "form", "utf-8",
        _titles("""
            number=ywlsh item=sxdm title=sxmc name=xm kind=rylx paper=sfzh phone=lxdh village=szc address=jtzz
            applied=sqrq accepted=slrq clerk=slry checked=shrq opinion=shyj closed=bjrq result=bjjg certificate=zzmc
            serial=zzh words=bz
        """),
    ),
    Form(
        "town-guiqingshan", "621125109", "manifest", "csv", "gb18030",
        _titles("""
            number=办件号 name=当事人 kind=当事人类别 paper=当事人证件 phone=当事人电话 contact=联系人 village=所属村
            address=所属地址 item=权力事项编码 title=权力事项 applied=提出时间 accepted=接件时间 clerk=接件人
            checked=核准时间 checker=核准人 opinion=核准意见 closed=送达时间 result=决定 certificate=文书 serial=文书号
            words=决定说明
        """),
        delimiter="|", results={"Y": "同意", "N": "不同意", "T": "退回", "Z": "撤回", "B": "上报"},
    ),
    Form(
        "town-maquan", "621125204", "marker", "xlsx", "",
        _titles("""
            number=办件编号 village=村 name=姓名 kind=类别 paper=身份证 phone=电话 title=事项 item=事项代码
            applied=申请时间 accepted=受理时间 clerk=受理 checked=审核时间 closed=办结时间 result=结果 certificate=证件
            serial=证件编号 words=备注
        """),
        people={"1": "群众", "2": "企业"}, last="合计",
    ),
    Form(
        "town-wudang", "621125208", "marker", "xml", "utf-8",
        _titles("""
            number=办件编号 item=实施编码 title=事项名称 name=申请人名称 kind=申请人类型 paper=证件号码 phone=手机号码
            contact=联系人 village=村级服务点 address=住所 applied=申请时间 accepted=受理时间 clerk=受理人员
            checked=审查时间 checker=审查人员 opinion=审查意见 closed=办结时间 result=办结结果 certificate=证照名称
            serial=证照编号 words=结果说明
        """),
        moment="%Y-%m-%dT%H:%M:%S",
    ),
    Form(
        "town-dongquan", "621125209", "marker", "csv", "gbk",
        _titles("""
            number=序列号 title=办事内容 item=内容代码 name=群众姓名 kind=身份 paper=居民身份证 phone=手机号码
            village=所在村社 applied=来办时间 accepted=收件时间 clerk=收件人 checked=审核时间 checker=审核人
            closed=办完时间 result=办得怎样 certificate=发放证件 serial=证件号 words=其他
        """),
        delimiter="\t", people={"1": "居民", "2": "商户"},
        results={"Y": "办成", "N": "未办成", "T": "退件", "Z": "撤回", "B": "上报"}, last="合计",
    ),
)  # fmt: skip
