"""A mail server that tells what it took, one JSON object a line, and misbehaves for some readers:
busy@ is refused for now, gone@ for good, lost@ is taken and the connection drops before the answer."""

import asyncio
import email
import email.policy
import json
import sys

from aiosmtpd.smtp import SMTP


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("busy@"):
            return "450 4.2.1 mailbox of " + address + " is busy"
        if address.startswith("gone@"):
            return "550 5.1.1 no mailbox " + address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        tell(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "message_id": mail["Message-ID"],
                "subject": mail["Subject"],
                "auto_submitted": mail["Auto-Submitted"],
                "list_unsubscribe": mail["List-Unsubscribe"],
                "list_unsubscribe_post": mail["List-Unsubscribe-Post"],
                "body": mail.get_content(),
            }
        )
        if envelope.rcpt_tos[0].startswith("lost@"):
            server.transport.abort()
        return "250 OK"


def tell(what):
    print(json.dumps(what), flush=True)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), enable_SMTPUTF8=True), "127.0.0.1", 0)
    tell({"port": server.sockets[0].getsockname()[1]})
    # Ends with the test, which holds the other end.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
