"""Decides how the hall answers the warnings of the supervision side: most of them at once, some never."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Connection, Row, select, update

from hub.sandbox.approval_warnings import T_JCYJ

#: The share of warnings that somebody answers; the rest run past their deadline.
ANSWERED = 0.9
_REPLIES = (
    "情况属实，已督促承办科室加快办理",
    "特别程序期间不计入时限，已补充说明",
    "材料退回补正，已一次性告知申请人",
    "系网络延迟补录，实际未超期",
)
_CLERKS = ("马堃", "赵喆", "包·扎西", "汪志强", "李桂兰")


def answer(connection: Connection, moment: datetime) -> int:
    """Answer the yellow and red warnings that wait for it; return how many. Which ones, and how, depends on their key alone."""
    waiting = select(T_JCYJ.c.ID).where(T_JCYJ.c.YJZT == "0", T_JCYJ.c.YJLX.in_(("1", "2")))
    return sum(_reply(connection, one, moment) for one in connection.execute(waiting).all())


def _reply(connection: Connection, warning: Row[tuple[str]], moment: datetime) -> int:
    roll = hashlib.sha256(warning.ID.encode()).digest()
    if roll[0] >= ANSWERED * 256:
        return 0
    words = {"HFNR": _REPLIES[roll[1] % len(_REPLIES)], "HFR": _CLERKS[roll[2] % len(_CLERKS)]}
    stamps = {"HFSJ": str(moment), "GXSJ": str(moment), "YJZT": "1"}
    return connection.execute(update(T_JCYJ).filter_by(ID=warning.ID).values(words | stamps)).rowcount
