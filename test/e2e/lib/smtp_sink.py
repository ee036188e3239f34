# SPDX-License-Identifier: PostgreSQL
#
# An SMTP server on a free port of the loopback that keeps nothing: it prints {"port"}, then one JSON object
# for each connection, refusal and mail. How it answers is in the recipient's address: busy-N-… is
# told 451 N times, gone-… 550, full-… 552 after the text, mute-… gets no answer to the text.
# Arguments: a certificate and a key for STARTTLS, then "login" to want one (user/secret).
import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def say(**what):
    print(json.dumps(what), flush=True)


class Sink:
    def __init__(self):
        self.told = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        kind, _, rest = address.partition('-')
        if kind == 'busy' and self.told.setdefault(address, 0) < int(rest.partition('-')[0]):
            self.told[address] += 1
            say(refused=address, code=451)
            return '451 4.7.1 come again, ' + address
        if kind == 'gone':
            say(refused=address, code=550)
            return '550 5.1.1 no such user ' + address
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0]
        if to.startswith('full-'):
            say(refused=to, code=552)
            return '552 5.2.2 mailbox full'
        say(mail=envelope.content.decode('latin1'), sender=envelope.mail_from, to=envelope.rcpt_tos,
            peer=session.peer[1], tls=session.ssl is not None, login=session.auth_data is not None)
        if to.startswith('mute-'):
            await asyncio.sleep(3600)
        return '250 OK'


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b'user' and data.password == b'secret'
    return AuthResult(success=good, handled=False, auth_data=data.login if good else None)


async def main():
    tls = None
    if len(sys.argv) > 2:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(sys.argv[1], sys.argv[2])
    login = sys.argv[3:] == ['login']
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(sink, hostname='sink', tls_context=tls, require_starttls=tls is not None,
                     auth_required=login, authenticator=authenticate if login else None),
        '127.0.0.1', 0)
    say(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
