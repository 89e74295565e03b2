"""With which code does a job fail, and what does each code mean?

Covers: every code a client can see. The text of an error starts with one of them.
Leaves out: who raises them (`answers`, `validation`, `job`).
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Why a job failed."""

    INPUT_INVALID = "INPUT_INVALID"
    WEBUI_REJECTED = "WEBUI_REJECTED"
    WEBUI_FAILED = "WEBUI_FAILED"
    VRAM_TOO_SMALL = "VRAM_TOO_SMALL"
    VRAM_OOM = "VRAM_OOM"
    RAM_OOM = "RAM_OOM"
    WEBUI_UNREACHABLE = "WEBUI_UNREACHABLE"
    WEBUI_BAD_ANSWER = "WEBUI_BAD_ANSWER"
    JOB_TIMEOUT = "JOB_TIMEOUT"
    POISON_JOB = "POISON_JOB"
    OUTPUT_TOO_LARGE = "OUTPUT_TOO_LARGE"
    INTERNAL = "INTERNAL"


#: What each code says, and who can do something about it.
MEANINGS: dict[Code, str] = {
    Code.INPUT_INVALID: "The input is not usable; the WebUI was not asked. Mend the named field.",
    Code.WEBUI_REJECTED: "The WebUI refused the request (4xx). The same request fails again.",
    Code.WEBUI_FAILED: "The WebUI ended the request with an error of its own (5xx).",
    Code.VRAM_TOO_SMALL: "The job can never fit on this worker's card; the WebUI was not asked.",
    Code.VRAM_OOM: "The card ran out of memory, and no step that is allowed has helped.",
    Code.RAM_OOM: "The WebUI ran out of the machine's memory, and trying again has not helped.",
    Code.WEBUI_UNREACHABLE: "No WebUI was ready in time.",
    Code.WEBUI_BAD_ANSWER: "The WebUI answered something that is not the result of this request.",
    Code.JOB_TIMEOUT: "The job took longer than a job may; the WebUI was interrupted.",
    Code.POISON_JOB: "WebUIs or handlers died under the job again and again. It is not run again.",
    Code.OUTPUT_TOO_LARGE: "The result is larger than the platform takes.",
    Code.INTERNAL: "The handler itself failed. Its log has the place.",
}
