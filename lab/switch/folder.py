"""The files that a private switch needs to start: its folders, and a minimal configuration.

The service's own files (pjsip, queues, extensions and so on) are rendered from `config/asterisk/`; `bare` is enough
to start Asterisk before anything was rendered.
"""

from __future__ import annotations

import hashlib
import os
import resource
import tempfile
from collections.abc import Mapping

from common.ports import HOST, Ports
from lab.switch.installation import Installation

FOLDERS = (  # a folder before those in it
    *("etc", "lib", "db", "keys", "keys/keys", "cache"),
    *("spool", "spool/monitor", "spool/voicemail", "spool/outgoing", "spool/tmp", "spool/recording"),
    *("log", "log/cdr-csv", "log/cdr-custom", "log/cel-custom"),
    *("share", "share/sounds", "share/agi-bin"),
)
ITALIAN = "it_IT_m_Carlo"
ENGLISH = "en_US_f_Allison"
SOCKET = "asterisk.ctl"
LONGEST_SOCKET = 107  # bytes in a Unix socket's path
MOST_CALLS = 2000
MOST_FILES = 20000

MODULES = (
    "res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_crypto res_rtp_asterisk",
    "res_pjproject res_pjsip res_pjsip_session res_pjsip_sdp_rtp res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user res_pjsip_authenticator_digest res_pjsip_registrar res_pjsip_dtmf_info",
    "res_pjsip_pubsub res_pjsip_caller_id res_pjsip_header_funcs res_pjsip_nat res_pjsip_rfc3326 chan_pjsip",
    "bridge_simple bridge_softmix bridge_holding bridge_native_rtp bridge_builtin_features",
    "codec_alaw codec_ulaw codec_a_mu codec_gsm codec_resample format_wav format_pcm format_gsm format_sln",
    "pbx_config res_speech res_agi res_musiconhold app_queue app_dial app_playback app_record app_read app_mixmonitor",
    "app_verbose app_stack app_originate app_userevent app_cdr app_echo cdr_csv res_clioriginate",
    "func_callerid func_cdr func_channel func_cut func_strings func_logic func_math func_timeout func_global",
)


BARE = "; A bare configuration by `lab switch`; `ivr render` writes the service's.\n"


def run_folder(folder: str) -> str:
    """The folder of the control socket: in the switch's folder, or elsewhere when that path would be too long."""
    here = os.path.join(folder, "run")
    if len(os.fsencode(os.path.join(here, SOCKET))) <= LONGEST_SOCKET:
        return here
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return os.path.join(tempfile.gettempdir(), f"ivr-switch-{os.geteuid()}-{name}")


def asterisk_conf(folder: str, run: str, installation: Installation, system_name: str = "") -> str:
    """The paths of everything. `run` may be elsewhere because a socket's path has at most 107 bytes.

    With a `system_name`, every call id begins with it and a hyphen.
    """
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most_files = MOST_FILES if allowed == resource.RLIM_INFINITY else min(MOST_FILES, allowed)
    named = f"systemname = {system_name}\n" if system_name else ""
    return f"""\
; Written by `lab switch`; changes are lost at the next start.
[directories]
astcachedir => {folder}/cache
astetcdir => {folder}/etc
astmoddir => {installation.modules}
astvarlibdir => {folder}/lib
astdbdir => {folder}/db
astkeydir => {folder}/keys
astdatadir => {folder}/share
astagidir => {folder}/share/agi-bin
astspooldir => {folder}/spool
astrundir => {run}
astlogdir => {folder}/log
astsbindir => {os.path.dirname(installation.command("asterisk")[-1])}

[options]
{named}; The console is kept in a file; verbose output of a call-back would show the citizen's number there.
verbose = 0
nocolor = yes
hideconnect = yes
languageprefix = yes
defaultlanguage = it
documentation_language = en_US
transmit_silence = no
maxcalls = {MOST_CALLS}
maxfiles = {most_files}

[files]
astctlpermissions = 0600
"""


def bare(ports: Ports, ami: Mapping[str, str | int], folder: str) -> dict[str, str]:
    """File name -> text, for an Asterisk with a manager interface, a SIP port and one extension that plays a digit."""
    texts = {
        "modules.conf": "[modules]\nautoload=no\n"
        + "".join(f"load = {name}.so\n" for line in MODULES for name in line.split()),
        "logger.conf": (
            "[general]\ndateformat=%F %T.%3q\n[logfiles]\nconsole => warning,error\n"
            "messages.log => notice,warning,error,verbose(3)\n"
        ),
        "manager.conf": (
            f"[general]\nenabled=yes\nport={ports.ami}\nbindaddr={HOST}\ndisplayconnects=no\n"
            f"[{ami['user']}]\nsecret={ami['secret']}\nread=all\nwrite=all\n"
            "deny=0.0.0.0/0.0.0.0\npermit=127.0.0.0/255.0.0.0\n"
        ),
        "pjsip.conf": (
            f"[udp]\ntype=transport\nprotocol=udp\nbind={HOST}:{ports.sip}\n\n"
            "[loopback]\ntype=endpoint\ncontext=default\ndisallow=all\nallow=alaw,ulaw\ndirect_media=no\n"
            f"media_address={HOST}\nbind_rtp_to_media_address=yes\n"
            f"[loopback]\ntype=identify\nendpoint=loopback\nmatch={HOST}\n"
        ),
        "rtp.conf": f"[general]\nrtpstart={ports.rtp_first}\nrtpend={ports.rtp_last}\n",
        "http.conf": f"[general]\nenabled=no\nbindaddr={HOST}\nbindport={ports.http}\n",
        "extensions.conf": (
            "[default]\nexten => echo,1,Answer()\n same => n,Playback(digits/1)\n"
            " same => n,Echo()\n same => n,Hangup()\n"
        ),
        "musiconhold.conf": f"[default]\nmode=files\ndirectory={folder}/share/moh\n",
        "cdr.conf": "[general]\nenable=yes\n[csv]\nusegmtime=yes\nloguniqueid=yes\n",
        "indications.conf": (
            "[general]\ncountry=it\n[it]\ndescription=Italy\nringcadence=1000,4000\ndial=425/200,0/200,425/600,0/1000\n"
            "busy=425/500,0/500\nring=425/1000,0/4000\ncongestion=425/200,0/200\n"
        ),
        **{f"{name}.conf": "" for name in ("queues", "features", "cel", "ccss", "udptl", "acl")},
        **{
            f"{name}.conf": ""
            for name in ("pjproject", "sorcery", "cli", "cli_permissions", "codecs", "dsp", "cdr_custom")
        },
    }
    return {name: BARE + text for name, text in texts.items()}


def is_bare(etc: str) -> bool:
    """Whether only `bare` was written there."""
    try:
        with open(os.path.join(etc, "modules.conf"), encoding="utf-8", errors="replace") as file:
            return file.readline() == BARE
    except FileNotFoundError:
        return True


def link_sounds(folder: str, installation: Installation, prompts: str) -> None:
    """`share/sounds/it`: Asterisk's phrases, entry by entry, the service's prompts as `nul/<id>`, and its digits.

    A `digits/` folder among the prompts replaces Asterisk's, so that one voice says a whole number.
    """
    share = os.path.join(folder, "share")
    for name in ("documentation", "rest-api"):
        _link(os.path.join(installation.share, name), os.path.join(share, name))
    _link(installation.moh, os.path.join(share, "moh"))
    sounds = os.path.join(share, "sounds")
    english, italian = os.path.join(installation.sounds, ENGLISH), os.path.join(installation.sounds, ITALIAN)
    _link(english if os.path.isdir(english) else os.path.join(installation.sounds, "en"), os.path.join(sounds, "en"))
    if not os.path.isdir(italian):
        italian = os.path.join(installation.sounds, "it")
    own = os.path.join(sounds, "it")
    os.makedirs(own, exist_ok=True)
    links = {"nul": prompts}
    if os.path.isdir(digits := os.path.join(prompts, "digits")):
        links["digits"] = digits
    if os.path.isdir(italian):
        links = {name: os.path.join(italian, name) for name in os.listdir(italian)} | links
    for name in set(os.listdir(own)) - set(links):
        if os.path.islink(os.path.join(own, name)):  # other files were put there by ops, and stay
            os.remove(os.path.join(own, name))
    for name, path in links.items():
        _link(path, os.path.join(own, name))


def _link(target: str, link: str) -> None:
    if os.path.islink(link):
        if os.readlink(link) == target:
            return
        os.remove(link)
    if not os.path.exists(link):
        os.symlink(target, link)
