"""Chat bots: Telegram, Discord, Slack, Teams, WhatsApp."""

from __future__ import annotations

from crewmem_doctor.facts.python.entries._common import Found, argument, decorated, entry
from crewmem_doctor.facts.python.survey import Survey, root

_DECORATORS = {
    "telebot": ("message_handler", "callback_query_handler", "inline_handler"),
    "aiogram": ("message", "message_handler", "callback_query", "callback_query_handler"),
    "pyrogram": ("on_message", "on_callback_query"),
    "telethon": ("on",),
    "discord": ("event", "command", "slash_command", "hybrid_command", "listen", "listener", "user_command"),
    "nextcord": ("event", "command", "slash_command", "listener"),
    "disnake": ("event", "command", "slash_command"),
    "interactions": ("slash_command", "listen"),
    "hikari": ("listen",),
    "slack_bolt": (
        "event",
        "message",
        "command",
        "action",
        "shortcut",
        "view",
        "function",
        "assistant",
        "user_message",
    ),
    "pywa": ("on_message",),
    "botbuilder": (),
    "teams": ("message", "activity"),
    "microsoft": ("activity", "message"),
    "vkbottle": ("message",),
    "linebot": ("add",),
    "mattermostdriver": (),
}
# Handlers given by value: which argument is the function.
_HANDLERS = {
    "CommandHandler": 1,
    "MessageHandler": 1,
    "CallbackQueryHandler": 0,
    "InlineQueryHandler": 0,
    "ChatMemberHandler": 0,
    "TypeHandler": 1,
    "PollAnswerHandler": 0,
    "StringCommandHandler": 1,
}
_METHODS = {
    "discord": ("on_message", "on_interaction"),
    "nextcord": ("on_message",),
    "botbuilder": ("on_message_activity",),
    "slixmpp": ("message",),
    "twitchio": ("event_message",),
}
_NAMES = {
    "telegram": "telegram",
    "telebot": "telegram",
    "aiogram": "telegram",
    "pyrogram": "telegram",
    "telethon": "telegram",
    "nextcord": "discord",
    "disnake": "discord",
    "slack_bolt": "slack",
    "botbuilder": "teams",
    "linebot": "line",
}


def _label(package: str, name: str) -> str:
    return f"{_NAMES.get(package, package)} {name}"


def find(survey: Survey) -> Found:
    for function, _target, _call, name in decorated(survey):
        known, word = root(name), name.rsplit(".", 1)[-1]
        if word in _DECORATORS.get(known, ()) and function.name not in ("on_ready", "on_connect", "on_disconnect"):
            yield entry(survey, function, "bot", _label(known, function.name), _NAMES.get(known, known))
    for site in survey.calls(*_HANDLERS, "register_message_handler", "register"):
        known, word = root(site.callee), getattr(site.node.func, "attr", getattr(site.node.func, "id", ""))
        if known not in ("telegram", "telebot", "aiogram"):
            continue
        handed = argument(site.node, "callback", "handler", position=_HANDLERS.get(word, 0))
        handler = survey.function(handed, site.scope)
        if handler is not None and not handler.is_body:
            yield entry(survey, handler, "bot", _label("telegram", handler.name), "telegram")
    for cls in survey.base.classes():
        packages = {root(b) for b in survey.base.bases(cls.dotted)}
        for package in sorted(packages & _METHODS.keys()):
            for word in _METHODS[package]:
                method = cls.methods.get(word)
                if method is not None:
                    yield entry(survey, method, "bot", _label(package, word), _NAMES.get(package, package))
