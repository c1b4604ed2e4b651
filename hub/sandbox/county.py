"""Decides what the made-up county consists of: Zhangxian's real division codes, and departments and items that are invented.

Division codes: GB/T 2260 (漳县 621125) and the statistics codes of its thirteen townships. Item codes follow the national rule:
基本编码 12 = 62 + type + trade + 3 + 3; 实施编码 31 = the department's credit code + level + 基本编码; 业务办理项编码 33 = that +
a serial. Credit codes (GB 32100) have right check digits but name nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from stdnum.cn import uscc

DIVISION = "621125"

TOWNSHIPS = {
    "621125100": "武阳镇",
    "621125101": "三岔镇",
    "621125102": "新寺镇",
    "621125103": "金钟镇",
    "621125104": "盐井镇",
    "621125105": "殪虎桥镇",
    "621125106": "大草滩镇",
    "621125107": "四族镇",
    "621125108": "石川镇",
    "621125109": "贵清山镇",
    "621125204": "马泉乡",
    "621125208": "武当乡",
    "621125209": "东泉乡",
}

DEPARTMENTS = {
    "人社": "漳县人力资源和社会保障局",
    "市监": "漳县市场监督管理局",
    "民政": "漳县民政局",
    "资源": "漳县自然资源局",
    "住建": "漳县住房和城乡建设局",
    "卫健": "漳县卫生健康局",
    "教育": "漳县教育局",
    "农业": "漳县农业农村局",
    "交通": "漳县交通运输局",
    "交警": "漳县公安局交通警察大队",
    "文旅": "漳县文体广电和旅游局",
    "水务": "漳县水务局",
    "税务": "漳县税务服务中心",
}

#: A township's own items are handled by the township; this stands for whichever it is.
TOWN = "乡镇"

_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True, slots=True)
class Department:
    """Who accepts a case."""

    name: str
    credit_code: str
    division: str


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the 权责清单, as one department carries it out."""

    name: str
    nature: str  # local letters, T_BJ.SXXZ
    catalogue: str
    task: str
    handle: str
    department: Department
    days: int  # promised working days; 0: done at once
    centre: str  # local code of the sub-centre, or ""
    fee: str  # yuan, or ""
    applicants: str  # P persons, E bodies, B both
    certificate: str
    materials: tuple[str, ...]


#: department, item, type code (GB/T 39046 A.1), nature, days, sub-centre, fee, applicants, certificate, materials, weight
_ITEMS: tuple[tuple[str, str, str, str, int, str, str, str, str, str, int], ...] = (
    ("人社", "城乡居民基本养老保险参保登记", "20", "GG", 0, "SB", "", "P", "", "居民身份证 参保登记表", 50),
    ("人社", "灵活就业人员养老保险缴费登记", "20", "GG", 0, "SB", "", "P", "", "居民身份证 缴费申报表", 32),
    ("人社", "社会保障卡补领换领", "20", "GG", 3, "SB", "20.00", "P", "社会保障卡", "居民身份证 补卡申请表", 20),
    ("人社", "失业保险金申领", "05", "GF", 5, "SB", "", "P", "", "居民身份证 解除劳动关系证明", 15),
    ("人社", "劳务派遣经营许可", "01", "XK", 10, "", "", "E", "劳务派遣经营许可证", "申请书 验资报告 公司章程", 10),
    ("市监", "个体工商户设立登记", "07", "QR", 0, "", "", "P", "营业执照", "申请书 经营场所证明", 120),
    ("市监", "有限责任公司设立登记", "07", "QR", 0, "", "", "B", "营业执照", "申请书 公司章程 住所证明", 80),
    ("市监", "食品经营许可", "01", "XK", 7, "", "", "B", "食品经营许可证", "申请书 平面布局图 健康证明", 90),
    ("市监", "食品小作坊登记", "01", "XK", 5, "", "", "P", "小作坊登记证", "申请书 工艺流程图", 25),
    ("市监", "药品零售企业经营许可", "01", "XK", 12, "", "", "E", "药品经营许可证", "申请书 药师资格证 设施目录", 15),
    ("民政", "城乡最低生活保障给付", "05", "GF", 15, "", "", "P", "", "申请书 家庭经济状况声明 居民身份证", 40),
    ("民政", "内地居民婚姻登记", "07", "QR", 0, "", "9.00", "P", "结婚证", "居民身份证 户口簿 照片", 60),
    ("民政", "高龄津贴发放", "05", "GF", 10, "", "", "P", "", "居民身份证 申请表", 30),
    ("民政", "社会团体成立登记", "01", "XK", 20, "", "", "E", "社会团体法人登记证书", "申请书 章程草案 验资报告", 5),
    ("资源", "不动产首次登记", "07", "QR", 5, "", "80.00", "B", "不动产权证书", "登记申请书 权属来源材料", 45),
    ("资源", "不动产转移登记", "07", "QR", 3, "", "80.00", "B", "不动产权证书", "登记申请书 买卖合同 完税证明", 55),
    ("资源", "建设用地规划许可", "01", "XK", 15, "", "", "E", "建设用地规划许可证", "申请书 规划条件 用地批准书", 8),
    ("住建", "建筑工程施工许可", "01", "XK", 7, "", "", "E", "建筑工程施工许可证", "申请表 施工合同 资金承诺", 12),
    ("住建", "城镇污水排入排水管网许可", "01", "XK", 10, "", "", "E", "排水许可证", "申请表 排水平面图", 8),
    ("住建", "公共租赁住房申请", "05", "GF", 15, "", "", "P", "", "申请表 收入证明 住房证明", 20),
    ("卫健", "公共场所卫生许可", "01", "XK", 8, "", "", "B", "卫生许可证", "申请书 检测报告 平面图", 25),
    ("卫健", "生育登记", "20", "GG", 0, "", "", "P", "生育服务证", "居民身份证 结婚证", 50),
    ("卫健", "护士执业注册", "01", "XK", 6, "", "", "P", "护士执业证书", "申请表 体检证明", 12),
    ("教育", "教师资格认定", "01", "XK", 15, "", "", "P", "教师资格证书", "申请表 学历证书 体检表", 25),
    ("教育", "民办学校设立审批", "01", "XK", 20, "", "", "E", "民办学校办学许可证", "申办报告 章程", 4),
    ("农业", "动物防疫条件合格证核发", "01", "XK", 8, "", "", "B", "动物防疫条件合格证", "申请表 场所平面图", 15),
    ("农业", "农药经营许可", "01", "XK", 10, "", "", "B", "农药经营许可证", "申请表 学历证明", 15),
    ("交通", "道路货物运输经营许可", "01", "XK", 8, "YG", "", "B", "道路运输经营许可证", "申请表 车辆承诺书", 35),
    ("交通", "道路运输证配发", "01", "XK", 3, "YG", "10.00", "B", "道路运输证", "申请表 行驶证", 45),
    ("交警", "机动车驾驶证期满换证", "07", "QR", 0, "JJ", "10.00", "P", "机动车驾驶证", "居民身份证 体检证明 照片", 60),
    ("交警", "机动车注册登记", "07", "QR", 1, "JJ", "125.00", "B", "机动车行驶证", "申请表 购车发票 合格证", 40),
    ("文旅", "娱乐场所设立审批", "01", "XK", 15, "", "", "E", "娱乐经营许可证", "申请书 平面图", 5),
    ("水务", "取水许可", "01", "XK", 15, "", "", "E", "取水许可证", "申请书 论证报告", 6),
    ("税务", "增值税一般纳税人登记", "20", "GG", 0, "GS", "", "E", "", "登记表 营业执照", 20),
    ("税务", "房产交易契税申报", "20", "GG", 0, "DS", "", "B", "", "申报表 买卖合同", 20),
    (TOWN, "农村宅基地用地审批", "01", "XK", 15, "", "", "P", "农村宅基地批准书", "申请书 村民会议记录", 30),
    (TOWN, "临时救助给付", "05", "GF", 7, "", "", "P", "", "申请书 困难情况说明", 40),
    (TOWN, "残疾人证申领", "07", "QR", 10, "", "", "P", "残疾人证", "申请表 评定表 照片", 25),
    (TOWN, "林木采伐许可", "01", "XK", 7, "", "", "P", "林木采伐许可证", "申请表 林权证明", 10),
    (TOWN, "农民专业合作社奖励", "08", "JL", 10, "", "", "E", "", "申请表 经营报表", 5),
    ("税务", "社会保险费缴费登记", "20", "GG", 0, "SW", "", "E", "", "登记表 营业执照", 25),
    ("税务", "契税减免备案", "20", "GG", 3, "SW", "", "B", "", "备案表 不动产权属证明", 20),
    ("交通", "道路旅客运输班线经营许可", "01", "XK", 10, "YG", "", "E", "道路运输经营许可证", "申请表 可行性报告", 6),
)


@dataclass(frozen=True, slots=True)
class County:
    """Items, each with its share of the county's cases."""

    items: tuple[Item, ...]
    weights: tuple[float, ...]


def organisation_code(body: str) -> str:
    """Return `body` (eight characters) with its check character (GB 11714)."""
    total = sum(weight * int(letter, 36) for weight, letter in zip(_ORGANISATION_WEIGHTS, body, strict=True))
    return body + "0123456789X0"[11 - total % 11]


def credit_code(rng: Random, prefix: str, division: str = DIVISION) -> str:
    """Return an invented unified social credit code (GB 32100): `prefix` is the two leading characters, 11 for an authority."""
    while True:
        body = organisation_code("".join(rng.choices(_CREDIT_ALPHABET, k=8)))
        if not body.endswith("X"):
            front = prefix + division + body
            return front + uscc.calc_check_digit(front)


@cache
def county(seed: int) -> County:
    """Return the county of that seed; equal for equal seeds."""
    rng = Random(f"county-{seed}")
    departments = {key: Department(name, credit_code(rng, "11"), DIVISION) for key, name in DEPARTMENTS.items()}
    towns = [Department(f"漳县{name}人民政府", credit_code(rng, "11"), code) for code, name in TOWNSHIPS.items()]
    items: list[Item] = []
    weights: list[float] = []
    for number, line in enumerate(_ITEMS, start=1):
        owners = towns if line[0] == TOWN else [departments[line[0]]]
        items += [_item(line, number, owner) for owner in owners]
        weights += [line[-1] / len(owners)] * len(owners)
    return County(tuple(items), tuple(weights))


def _item(line: tuple[str, str, str, str, int, str, str, str, str, str, int], number: int, owner: Department) -> Item:
    _, name, kind, nature, days, centre, fee, applicants, certificate, materials, _ = line
    level = "4" if owner.division == DIVISION else "5"
    catalogue = f"62{kind}{number // 4 + 10:02}{number:03}000"
    task = owner.credit_code + level + catalogue
    return Item(
        name, nature, catalogue, task, task + "01", owner, days, centre, fee, applicants, certificate, tuple(materials.split())
    )
