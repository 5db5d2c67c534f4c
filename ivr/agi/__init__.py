"""The Asterisk Gateway Interface without I/O: bytes in, events out; commands in, bytes out.

    connection = Connection()
    connection.receive_data(data)            # bytes from a socket, b"" at its end
    event = connection.next_event()          # Environment, Reply, HungUp, Closed, or NEED_DATA
    data = connection.send(StreamFile("hello-world"))

Nothing here waits, reads or writes, so the same conversation runs under any driver, and byte by byte in a test. All
commands of Asterisk 22 are here; `COMMANDS` maps their verbs to classes.
"""

from __future__ import annotations

from ivr.agi.commands import (
    Answer,
    AsyncAgiBreak,
    ChannelStatus,
    Command,
    CommandError,
    Exec,
    GetFullVariable,
    GetVariable,
    Gosub,
    HangupCall,
    Noop,
    SetAutohangup,
    SetCallerid,
    SetContext,
    SetExtension,
    SetMusic,
    SetPriority,
    SetVariable,
    TddMode,
    Verbose,
)
from ivr.agi.connection import NEED_DATA, Closed, Connection, Event, HungUp, NeedData, Reply, State
from ivr.agi.database import DatabaseDel, DatabaseDeltree, DatabaseGet, DatabasePut
from ivr.agi.environment import Environment
from ivr.agi.errors import AgiError, Hangup, LocalProtocolError, RemoteProtocolError
from ivr.agi.media import (
    ControlStreamFile,
    GetData,
    GetOption,
    ReceiveChar,
    ReceiveText,
    RecordFile,
    SayAlpha,
    SayDate,
    SayDatetime,
    SayDigits,
    SayNumber,
    SayPhonetic,
    SayTime,
    SendImage,
    SendText,
    StreamFile,
    WaitForDigit,
)
from ivr.agi.replies import Digits, Played, RawReply, Recognized, Recorded, Result, Utterance, Value
from ivr.agi.speech import (
    SpeechActivateGrammar,
    SpeechCreate,
    SpeechDeactivateGrammar,
    SpeechDestroy,
    SpeechLoadGrammar,
    SpeechRecognize,
    SpeechSet,
    SpeechUnloadGrammar,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMMANDS: dict[str, type[Command[Any]]] = {
    command.verb: command
    for command in (
        Answer, AsyncAgiBreak, ChannelStatus, ControlStreamFile, DatabaseDel, DatabaseDeltree, DatabaseGet, DatabasePut,
        Exec, GetData, GetFullVariable, GetOption, GetVariable, Gosub, HangupCall, Noop, ReceiveChar, ReceiveText,
        RecordFile, SayAlpha, SayDate, SayDatetime, SayDigits, SayNumber, SayPhonetic, SayTime, SendImage, SendText,
        SetAutohangup, SetCallerid, SetContext, SetExtension, SetMusic, SetPriority, SetVariable, SpeechActivateGrammar,
        SpeechCreate, SpeechDeactivateGrammar, SpeechDestroy, SpeechLoadGrammar, SpeechRecognize, SpeechSet,
        SpeechUnloadGrammar, StreamFile, TddMode, Verbose, WaitForDigit,
    )
}  # fmt: skip

__all__ = [
    "COMMANDS",
    "NEED_DATA",
    "AgiError",
    "Answer",
    "AsyncAgiBreak",
    "ChannelStatus",
    "Closed",
    "Command",
    "CommandError",
    "Connection",
    "ControlStreamFile",
    "DatabaseDel",
    "DatabaseDeltree",
    "DatabaseGet",
    "DatabasePut",
    "Digits",
    "Environment",
    "Event",
    "Exec",
    "GetData",
    "GetFullVariable",
    "GetOption",
    "GetVariable",
    "Gosub",
    "Hangup",
    "HangupCall",
    "HungUp",
    "LocalProtocolError",
    "NeedData",
    "Noop",
    "Played",
    "RawReply",
    "ReceiveChar",
    "ReceiveText",
    "Recognized",
    "RecordFile",
    "Recorded",
    "RemoteProtocolError",
    "Reply",
    "Result",
    "SayAlpha",
    "SayDate",
    "SayDatetime",
    "SayDigits",
    "SayNumber",
    "SayPhonetic",
    "SayTime",
    "SendImage",
    "SendText",
    "SetAutohangup",
    "SetCallerid",
    "SetContext",
    "SetExtension",
    "SetMusic",
    "SetPriority",
    "SetVariable",
    "SpeechActivateGrammar",
    "SpeechCreate",
    "SpeechDeactivateGrammar",
    "SpeechDestroy",
    "SpeechLoadGrammar",
    "SpeechRecognize",
    "SpeechSet",
    "SpeechUnloadGrammar",
    "State",
    "StreamFile",
    "TddMode",
    "Utterance",
    "Value",
    "Verbose",
    "WaitForDigit",
]
