"""A mail server that tells what it took, one JSON object a line, and misbehaves for some readers:
busy@ is refused for now, gone@ for good, lost@ is taken and the connection drops before the answer, stall@ is taken and
nothing is said any more.
With `implicit CERTIFICATE KEY` it speaks TLS from the first byte, with `starttls CERTIFICATE KEY` after STARTTLS, which it
offers and does not insist on: that nothing comes unencrypted is up to the sender."""

import asyncio
import email
import email.policy
import json
import ssl
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
                "encrypted": server.transport.get_extra_info("sslcontext") is not None,
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
        if envelope.rcpt_tos[0].startswith("stall@"):
            await asyncio.Event().wait()
        return "250 OK"


def tell(what):
    print(json.dumps(what), flush=True)


async def main():
    loop = asyncio.get_running_loop()
    contexts = {"implicit": None, "starttls": None}
    if len(sys.argv) > 1:
        manner, certificate, key = sys.argv[1:]
        contexts[manner] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        contexts[manner].load_cert_chain(certificate, key)
    server = await loop.create_server(
        lambda: SMTP(Handler(), enable_SMTPUTF8=True, tls_context=contexts["starttls"]),
        "127.0.0.1",
        0,
        ssl=contexts["implicit"],
    )
    tell({"port": server.sockets[0].getsockname()[1]})
    # Ends with the test, which holds the other end.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
