"""Decides what a command's exit code tells the script that ran it."""

from __future__ import annotations

from hub.errors import (
    ConfigurationError,
    Deferred,
    Failure,
    Fenced,
    HubError,
    InDoubt,
    LeaseHeld,
    Rejected,
    Retryable,
    SourceFailed,
)

DONE = 0
FINDINGS = 1
USAGE = 2
PARTLY = 3
UNAVAILABLE = 4
LEASE = 5
INTERRUPTED = 130
TERMINATED = 143

#: code -> (Chinese, English), as `hub --help` shows it.
TABLE = {
    DONE: ("完成", "done"),
    FINDINGS: (
        "有发现：检查、测试未通过，或有记录被拒、进入死信",
        "findings: a check or test failed, or records were rejected or died",
    ),
    USAGE: ("命令用法或配置有误", "wrong usage or configuration"),
    PARTLY: ("部分完成，可以再次运行", "partly done, safe to run again"),
    UNAVAILABLE: ("对方系统暂不可用，可稍后再试", "a far side is unavailable for now"),
    LEASE: ("另一个中枢正在使用这个存储", "another hub holds this store"),
    INTERRUPTED: ("被中断（SIGINT），已安全停下", "interrupted (SIGINT) after a clean stop"),
    TERMINATED: ("被终止（SIGTERM），已安全停下", "terminated (SIGTERM) after a clean stop"),
}


def of(error: HubError) -> int:
    """Return the exit code of a command that failed with this error."""
    match error:
        case ConfigurationError():
            return USAGE
        case LeaseHeld() | Fenced():
            return LEASE
        case Retryable() | Deferred() | InDoubt():
            return UNAVAILABLE
        case Rejected():
            return FINDINGS
        case SourceFailed(misconfigured=False):
            return UNAVAILABLE
        case Failure() | HubError():
            return USAGE
