"""What providers keep in mailboxes comes in by polling: by IMAP and by POP3, each message once, to the mailbox that its De-Mail address stands for;
also where the gateway is killed in the middle; and whatever a server does, nothing is taken by halves and the other accounts go on."""
import email
import http.client
import random
import signal
import time

from demail import CITIZEN, TOWN, Simulator, message
from house import House, until
from mailbox_server import HostileImap

KILLS = 10
ACCOUNTS = ["name=stadt address=*@stadt.de-mail.example password=geheim retrieve=yes holder=Stadt Musterhausen",
            f"name=erika address={CITIZEN} password=erika level=high holder=Erika Mustermann",
            "name=firma side=b address=*@firma.de-mail.example password=firma level=high"]
METRICS = '\n[[listener]]\nrole = "metrics"\naddress = "127.0.0.1:0"\n'


def account(h, name, poll, domain, user, password, mailbox="amt53@stadt.example", lines=""):
    key = h.dir / f"{name}.poll"
    if not key.exists():
        key.write_text(password)
        key.chmod(0o400)
    return f"""
[[demail_account]]
name = "{name}"
provider = "anbieter-{name}.de-mail.example"
smtp = "localhost:1"
user = "{name}"
password = {{ file = "{key}" }}
domains = ["{domain}"]
addresses = {{ {lines or f'"{name}@gesundheit.stadt.example" = "{name}@{domain}"'} }}
default_mailbox = "{mailbox}"
valid_until = "2099-12-31"
poll = "{poll}"
poll_user = "{user}"
poll_password = {{ file = "{key}" }}
poll_every = "1s"
"""


def head(s):
    return f'[demail]\ndomains = ["*.de-mail.example"]\nanchors = "{s.pki("signature-root.pem")}"\n' + METRICS


def subjects(h):
    out = []
    for m in list(h.mailboxes.messages):
        out.append((str(email.message_from_bytes(m["data"])["Subject"]), m["to"]))
    return out


def number(h, name, account_name):
    c = http.client.HTTPConnection("127.0.0.1", h.ports["metrics"], timeout=30)
    c.request("GET", "/metrics")
    for line in c.getresponse().read().decode().splitlines():
        if line.startswith(f'amtsbote_demail_poll_{name}{{account="{account_name}"}} '):
            return float(line.rsplit(" ", 1)[1])
    return None


def told(h, event, *words):
    return [e for e in list(h.events) if f'"{event}"' in e and all(w in e for w in words)]


def prepare(h, extra, s=None):
    anchors = h.dir / "anchors.pem"
    anchors.write_bytes(h.pki.ca.read_bytes() + (s.pki("tls-root.pem").read_bytes() if s else b""))
    h.extra = extra
    h.write_config()
    h.change_config(f'tls_anchors = "{h.pki.ca}"', f'tls_anchors = "{anchors}"')


def both_protocols(s, h):
    """Two accounts of the simulator; two addresses, of which one has a line."""
    wanted = []
    for n in range(3):
        s.submit("erika", message(CITIZEN, [TOWN], subject=f"Stadt {n}"), [TOWN], sender=CITIZEN)
        s.submit("erika", message(CITIZEN, ["info@firma.de-mail.example"], subject=f"Firma {n}"), ["info@firma.de-mail.example"], sender=CITIZEN)
        wanted += [f"Stadt {n}", f"Firma {n}"]
    # the provider files a copy for each address; two of them have no line and go to the default mailbox
    several = [f"{name}@stadt.de-mail.example" for name in ("bau", "planung", "presse")]
    s.submit("erika", message(CITIZEN, several, subject="an drei"), several, sender=CITIZEN)
    wanted += ["an drei"] * 3
    until("all are there", lambda: sorted(x for x, _ in subjects(h)) == sorted(wanted))
    assert sorted(r for x, to in subjects(h) if x == "an drei" for r in to) == ["bauamt@stadt.example", "poststelle@stadt.example", "poststelle@stadt.example"]
    assert len(h.leaves("msg.accept.ext")) == len(wanted)
    to = dict(subjects(h))
    assert to["Stadt 0"] == ["poststelle@stadt.example"] and to["Firma 0"] == ["amt53@stadt.example"], to
    data = next(m["data"] for m in h.mailboxes.messages if b"Subject: Stadt 0" in m["data"])
    received = email.message_from_bytes(data).get_all("Received")[0]
    assert "with IMAP" in received, received
    assert b"Guten Tag,\r\nder Bescheid.\r\n" in data
    accepted = h.leaves("msg.accept.ext")
    assert accepted and all(e["ch"] == "demail" for e in accepted), accepted
    until("it is counted", lambda: number(h, "taken_total", "stadt") == 6 and number(h, "taken_total", "firma") == 3)
    assert number(h, "listed_messages", "firma") == 3 and number(h, "failed_total", "stadt") == 0
    # taken is marked for people who look there too; POP3 removes nothing
    assert sorted(e["uid"] for e in s.journal("stored", account="stadt")) == [1, 2, 3, 4, 5, 6]
    return wanted


def killed(s, h, wanted):
    draw = random.Random(4711)
    for n in range(KILLS):
        for k in range(3):
            for name, to in (("Stadt", TOWN), ("Firma", "info@firma.de-mail.example")):
                wanted.append(f"{name} {n}.{k} im Fallen")
                s.submit("erika", message(CITIZEN, [to], subject=wanted[-1]), [to], sender=CITIZEN)
        time.sleep(draw.random() * 1.2)
        h.process.send_signal(signal.SIGKILL)
        h.process.wait()
        h.process = None
        h.start()
    until("all are there", lambda: {x for x, _ in subjects(h)} >= set(wanted))
    # a kill may deliver the same message twice (that is recorded), but it was accepted once
    accepted = len(h.leaves("msg.accept.ext"))
    assert accepted == len(wanted), (accepted, len(wanted))
    print(f"killed {KILLS} times: {len(wanted)} messages, each accepted once, {len(subjects(h)) - len(wanted)} delivered twice")


def away_and_back(s, h):
    s.stop()
    until("it is told", lambda: told(h, "demail.poll_down", '"stadt"') and told(h, "demail.poll_down", '"firma"'))
    until("and counted", lambda: (number(h, "failed_total", "stadt") or 0) >= 2)
    assert len(told(h, "demail.poll_down", '"stadt"')) == 1
    assert h.stop() == 0
    h.fsck()


def plain(n, body=b"Text\r\n"):
    return (f"From: a@x.de-mail.example\r\nTo: irgendwer@feind.de-mail.example\r\nSubject: Feind {n}\r\nMessage-ID: <{n}@x>\r\n"
            "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nx-de-mail-message-type: normal\r\n\r\n").encode() + body


def hostile():
    with House(limits='message_size = "1MiB"') as h:
        evil = HostileImap(h.pki.server("feind.example"), {5: plain(5), 9: plain(9), 2: plain(2)}, "greeting")
        good = HostileImap(h.pki.server("freund.example"))
        other = type(h.pki)(h.dir / "pki2")
        wrong = HostileImap(other.server("falsch.example"), {1: plain(1)})
        text = f'[demail]\ndomains = ["*.de-mail.example"]\nanchors = "{h.pki.ca}"\n' + METRICS
        for name, server in (("feind", evil), ("freund", good), ("falsch", wrong)):
            text += account(h, name, f"imaps://localhost:{server.port}/INBOX", f"{name}.de-mail.example", name, "geheim")
        prepare(h, text)
        h.start()
        uid = 0

        def others_go_on():
            nonlocal uid
            uid += 1
            good.messages[uid] = plain(f"freundlich {uid}")
            until("the other account goes on", lambda: f"Feind freundlich {uid}" in dict(subjects(h)))

        until("an untrusted certificate is told", lambda: told(h, "demail.poll_down", '"falsch"', "tls_untrusted"))
        for how in ("greeting", "silent", "cut"):
            evil.how = how
            others_go_on()
            before = evil.sessions
            if how == "cut":
                until("it was cut twice", lambda: len(evil.fetched) >= 2, 90)
                assert set(evil.fetched) == {2}
        assert not [x for x, _ in subjects(h) if x in ("Feind 2", "Feind 5", "Feind 9", "Feind 1")]
        assert wrong.sessions == 0 and not wrong.fetched
        # in what order they are told, and how often, changes nothing
        evil.how = "unordered"
        until("all three", lambda: {"Feind 2", "Feind 5", "Feind 9"} <= set(dict(subjects(h))))
        assert [u for u in evil.fetched if u != 2][:2] == [5, 9], evil.fetched
        until("they are marked", lambda: evil.seen == {2, 5, 9})
        until("it is told that it is up again", lambda: told(h, "demail.poll_up", '"feind"'))
        # what cannot be taken is passed over, told once, and left
        evil.how = "literal"
        evil.messages[20] = plain(20)
        until("4 GiB are refused", lambda: told(h, "demail.poll_refused", '"20"', "too_large"))
        evil.how = "good"
        evil.messages[21] = plain(21, b"x" * 70 + b"\r\n") + b"y" * (1 << 20)
        evil.messages[22] = plain(22, b"bare\nnewline\r\n")
        evil.messages[23] = plain(23)
        until("the one behind", lambda: "Feind 23" in dict(subjects(h)))
        assert told(h, "demail.poll_refused", '"21"', "too_large") and told(h, "demail.poll_refused", '"22"', "bare_newline")
        assert 21 not in evil.fetched, "it was refused by its size"
        assert number(h, "refused_total", "feind") == 3
        evil.how = "no"
        evil.messages[30] = plain(30)
        until("given up", lambda: told(h, "demail.poll_refused", '"30"', "not_given"), 60)
        # another UIDVALIDITY: everything anew, with a warning
        evil.how = "good"
        evil.messages = {1: plain("anew")}
        evil.validity = 78
        until("anew", lambda: "Feind anew" in dict(subjects(h)))
        assert told(h, "demail.poll_anew", '"feind"')
        names = [x for x, _ in subjects(h)]
        assert len(names) == len(set(names)), names
        before = len(told(h, "demail.poll_refused"))
        others_go_on()
        assert len(told(h, "demail.poll_refused")) == before == 4
        # a reload takes an account away; a stop is prompt while a server is silent
        evil.how = "silent"
        sessions = evil.sessions
        until("it hangs", lambda: evil.sessions > sessions)
        began = time.monotonic()
        assert h.stop() == 0
        assert time.monotonic() - began < 20, "the stop waited for a server"
        h.fsck()
        for server in (evil, good, wrong):
            server.close()


def main():
    with Simulator(*(w for a in ACCOUNTS for w in ("--account", a))) as s, House() as h:
        lines = '"bauamt@stadt.example" = "bau@stadt.de-mail.example"'
        text = head(s) + account(h, "stadt", f"imaps://localhost:{s.port('a', 'imaps')}/INBOX", "stadt.de-mail.example", "stadt", "geheim", "poststelle@stadt.example", lines)
        text += account(h, "firma", f"pop3s://localhost:{s.port('b', 'pop3s')}", "firma.de-mail.example", "firma", "firma")
        prepare(h, text, s)
        h.start()
        wanted = both_protocols(s, h)
        killed(s, h, wanted)
        away_and_back(s, h)
    hostile()


if __name__ == "__main__":
    main()
    print("demail_poll: good")
