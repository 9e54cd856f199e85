"""Words of contact points and notifications. English is also what the programs say; a test keeps the two equal."""

from __future__ import annotations

from collections.abc import Mapping

from aldea.dashboard_api.charts.panels import N_

KIND_WORDS: Mapping[str, str] = {
    "email": N_("E-mail"),
    "telegram": N_("Telegram"),
    "whatsapp": N_("WhatsApp"),
    "sms": N_("SMS"),
    "ntfy": N_("ntfy"),
    "webhook": N_("Webhook (for programs)"),
    "apprise": N_("Another service"),
}

FIELD_WORDS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("email", "address"): (N_("E-mail address"), ""),
    ("telegram", "chat"): (N_("Chat"), N_("The chat's number, or @name of a channel. Write to the bot once before.")),
    ("telegram", "token"): (N_("Token of another bot"), N_("Empty: Aldea's own bot.")),
    ("whatsapp", "phone"): (N_("Telephone"), N_("With + and the country code.")),
    ("whatsapp", "gateway"): (N_("Another gateway"), N_("An Apprise address with {phone} in it. Empty: Aldea's own.")),
    ("sms", "phone"): (N_("Telephone"), N_("With + and the country code.")),
    ("sms", "gateway"): (N_("Another gateway"), N_("An Apprise address with {phone} in it. Empty: Aldea's own.")),
    ("ntfy", "server"): (N_("Server"), ""),
    ("ntfy", "topic"): (N_("Topic"), N_("Whoever knows it can read along: choose one that is hard to guess.")),
    ("ntfy", "token"): (N_("Access token"), N_("Empty: none.")),
    ("webhook", "url"): (N_("Address"), N_("Gets a JSON document by POST; Idempotency-Key tells repeats apart.")),
    ("webhook", "token"): (N_("Token"), N_("Sent as Authorization: Bearer. Empty: none.")),
    ("apprise", "url"): (N_("Apprise address"), N_("Such as slack://… or discord://…: a hundred services are known.")),
}

PROBLEM_WORDS: Mapping[str, str] = {
    "missing": N_("Fill this in."),
    "too_long": N_("This is longer than 500 characters: check what was pasted."),
    "unknown_field": N_("This field does not belong to the channel: leave it out."),
    "unknown_kind": N_("Choose one of the channels in the list."),
    "not_an_email": N_("This is not an e-mail address. It looks like direccion@example.org."),
    "not_a_web_address": N_("This is not a web address. It starts with https:// or http:// and names a host."),
    "not_a_phone": N_("Write the number with + and the country code, for example +525512345678."),
    "not_a_chat": N_("Write the chat's number (it may start with -) or @name of a channel."),
    "not_a_token": N_("A token has no spaces and is at least 5 characters long: paste it whole."),
    "not_a_topic": N_("A topic is 1 to 64 letters, digits, - and _."),
    "unknown_scheme": N_("No service is known for the first part of this address, such as slack:// or discord://."),
    "bad_service_url": N_("The service is known, but a part of this address is missing: see its page at Apprise."),
    "no_phone_place": N_("The gateway's address must have {phone} where the number goes."),
}

FAILURE_WORDS: Mapping[str, str] = {
    "unreachable": N_("The service can't be reached. Check the server's connection and the address."),
    "timeout": N_("The service did not answer in time. It may have taken the message all the same."),
    "certificate": N_("The service's certificate can't be trusted. Check the address, or the server's clock."),
    "refused_login": N_("The service refuses the login. Check user, password or token."),
    "refused_address": N_("The service does not know this address. Correct it."),
    "rejected": N_("The service does not take such a message. Check the address and what it expects."),
    "rate_limited": N_("The service asks to wait. It is tried again later by itself."),
    "server_error": N_("The service has a fault of its own. It is tried again by itself."),
    "not_configured": N_("The server is not set up for this channel. Set what is named here in aldea.toml."),
    "invalid_contact": N_("The address can't be used. Fill in the contact point again."),
    "contact_removed": N_("The contact point was removed before it was sent."),
    "contact_off": N_("The contact point was switched off before it was sent."),
    "crashed": N_("The program failed. Tell the operator the time: the server's log has the reason."),
}

STATE_WORDS: Mapping[str, tuple[str, str]] = {
    "waiting": (N_("Waiting"), "suspect"),
    "sending": (N_("Being sent"), "suspect"),
    "sent": (N_("Sent"), "up"),
    "failed": (N_("Failed"), "down"),
    "expired": (N_("Given up"), "down"),
    "collapsed": (N_("Said with the end"), "unknown"),
}
"""A state's word, and the pill whose colour and shape it has."""

LANGUAGE_WORDS: Mapping[str, str] = {"es": N_("Spanish"), "en": N_("English")}
