"""The server of the Model Context Protocol: which tools there are, and how each call of one ends."""

import logging
import threading
from functools import partial
from importlib.metadata import version
from typing import Any

from anyio import CapacityLimiter, to_thread
from mcp import types
from mcp.server.lowlevel import Server
from pydantic import ValidationError

from ledger.entrypoints.agents.callers import AgentCall, Context, Identify, agent_of, check_call
from ledger.entrypoints.agents.desk import Desk
from ledger.entrypoints.agents.outside import ERROR_NOTICE, NOTICE, as_data, one_line
from ledger.entrypoints.agents.tools import TOOLS, AgentTool
from ledger.entrypoints.http.door import patience
from ledger.entrypoints.http.problems import text_for
from ledger.errors import LedgerError
from ledger.parts import Parts
from ledger.services.recalls.planning.run_in import RunIn
from ledger.trace import on_behalf_of, request_id

# So many calls are worked on at once; others wait for their turn.
CALLS_AT_ONCE = 4
INSTRUCTIONS = (
    "The recall ledger takes DingTalk messages back that went out by mistake, within 24 hours. Plan first, show the "
    "plan to the person whom you act for, and run it only when they want it. Above a number that the ledger's keeper "
    f"sets, run_recall only asks another person to approve. {NOTICE}"
)

log = logging.getLogger(__name__)


def build_server(parts: Parts, identify: Identify, *, with_worker: bool) -> Server[dict[str, Any]]:
    """Return the server; `identify` says who asks, `with_worker` that calls are made in this process."""
    desk = Desk(parts, RunIn.LOCAL_WORKER if with_worker else RunIn.ANY_WORKER, threading.Lock())
    by_name, limiter = {tool.name: tool for tool in TOOLS}, CapacityLimiter(CALLS_AT_ONCE)
    listed = types.ListToolsResult(tools=[_described(tool) for tool in TOOLS])

    async def list_tools(_: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return listed

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = by_name.get(params.name)
        if tool is None:
            return _error("unknown_tool", f"there is no tool {params.name!r}: {', '.join(by_name)} are those there are")
        work = partial(_call, desk, identify, tool, context, params.arguments or {})
        with on_behalf_of(request_id()):
            return await to_thread.run_sync(work, limiter=limiter)

    return Server(
        "recall-ledger",
        version=version("dingtalk-ledger"),
        title="The recall ledger for DingTalk bots",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _described(tool: AgentTool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=_without_titles(tool.asks.model_json_schema()),
        output_schema=_without_titles(tool.tells.model_json_schema(mode="serialization")),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=not tool.changes,
            destructive_hint=tool.takes_back,
            idempotent_hint=not tool.changes,
            open_world_hint=tool.takes_back,
        ),
    )


def _without_titles(schema: Any) -> Any:
    """Return a schema without the titles that only repeat names: a model reads all of it before it does anything."""
    if isinstance(schema, list):
        return [_without_titles(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _without_titles(one) for name, one in schema.items() if name != "title" or not isinstance(one, str)}


def _call(
    desk: Desk, identify: Identify, tool: AgentTool, context: Context, arguments: dict[str, Any]
) -> types.CallToolResult:
    """Answer a call of a tool, in a thread of its own; whatever happens ends as an answer."""
    call: AgentCall | None = None
    try:

        def work() -> types.CallToolResult:
            nonlocal call
            call = AgentCall(identify(context), agent_of(context))
            check_call(call.who, tool.permission)
            return _answer(tool.work(desk, call, tool.asks.model_validate(arguments)))

        answer = patience(desk.parts).retrying(work)
    except ValidationError as error:
        answer = _error("invalid_request", _in_words(error))
    except LedgerError as error:
        answer = _error(error.code, text_for(call.who if call else None, error))
    except Exception as error:
        log.exception("the tool %s failed", tool.name)
        answer = _error("unexpected", f"{type(error).__name__} in the ledger: its log says more")
    facts = {"actor": call.actor if call else None}
    log.info("%s %s", tool.name, "failed" if answer.is_error else "answered", extra={"facts": facts})
    return answer


def _answer(told: Any) -> types.CallToolResult:
    document = told.model_dump(mode="json")
    lines = (document["next"], document["notice"], as_data(document["data"]))
    text = "\n".join(line for line in lines if line)
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=document)


def _error(code: str, message: str) -> types.CallToolResult:
    """Return an error: one sentence with its code; what it quotes is data as well."""
    sentence = one_line(message)
    return types.CallToolResult(
        content=[types.TextContent(text=f"{code}: {sentence}"), types.TextContent(text=ERROR_NOTICE)],
        structured_content={"notice": ERROR_NOTICE, "error": {"code": code, "message": sentence}},
        is_error=True,
    )


def _in_words(error: ValidationError) -> str:
    found = [(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors(include_url=False)]
    return "; ".join(f"{where}: {what[:1].lower()}{what[1:]}" for where, what in found)
