"""Polling beside Dovecot, a server that is not ours: De-Mails and confirmations of the simulator lie in its mailboxes, by LMTP and by doveadm; over
IMAPS and POP3S each is taken once, whenever the gateway or the server is killed, what counts moves its message, and nothing is removed there but by the provider."""
import imaplib
import pwd
import random
import signal
import time

from demail import CITIZEN, OFFICE, WEAK, Simulator, join, letter, message, submit, value
from house import House, run, until
from neighbours import Dovecot, free_port, listens, needs
from smtplib import LMTP
from story_demail_outgoing import events
from story_demail_poll import METRICS, account, number, subjects, told

needs("dovecot", "doveadm", "/usr/lib/dovecot/imap", "/usr/lib/dovecot/pop3", "/usr/lib/dovecot/lmtp")
KILLS = 8
STADT, FIRMA = 'ge "heim"\\{3} ü%20', "firma'\\\""  # what must be quoted, by either protocol

CONF = """
protocols = imap pop3 lmtp
mail_location = maildir:{mail}/%n
first_valid_uid = 1
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={mail}/%n
}}
passdb {{
  driver = passwd-file
  args = username_format=%n {users}
}}
ssl = required
ssl_min_protocol = TLSv1.2
ssl_cert = <{cert}
ssl_key = <{key}
auth_mechanisms = plain login
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    address = 127.0.0.1
    port = {pop3s}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""


class Provider:
    """Dovecot with a mailbox for each account of the gateway."""

    def __init__(self, h):
        self.dir = h.dir / "dovecot"
        owner, mail, users = pwd.getpwnam("mail"), h.dir / "provider", h.dir / "provider.users"
        mail.mkdir()
        run("chown", "mail:mail", mail)
        users.write_text(f"stadt:{{PLAIN}}{STADT}\nfirma:{{PLAIN}}{FIRMA}\n")
        users.chmod(0o644)
        cert, key = h.pki.server("mail.anbieter.example")
        self.ports = {name: free_port() for name in ("imaps", "pop3s", "lmtp")}
        self.conf = CONF.format(mail=mail, uid=owner.pw_uid, gid=owner.pw_gid, users=users, cert=cert, key=key, **self.ports)
        self.mail, self.server = mail, None

    def start(self):
        self.server = Dovecot(self.dir, self.conf, self.ports["imaps"])
        for port in self.ports.values():
            until("Dovecot listens everywhere", listens(port))

    def stop(self):
        self.server.stop()

    def doveadm(self, *words, **kw):
        return run("doveadm", "-c", self.dir / "dovecot.conf", *words, **kw).stdout.decode()

    def bring(self, user, data):
        """As its own server hands it in: with fields in front."""
        with LMTP("127.0.0.1", self.ports["lmtp"]) as lmtp:
            lmtp.sendmail("", [user], data)

    def save(self, user, data, folder="INBOX"):
        self.doveadm("save", "-u", user, "-m", folder, input=data)

    def lying(self, user, folder="INBOX"):
        """UID to flags."""
        lines = self.doveadm("-f", "tab", "fetch", "-u", user, "uid flags", "mailbox", folder, "all").splitlines()[1:]
        return {int(uid): flags.split() for uid, flags in (line.split("\t") for line in lines)}


class Courier:
    """Carries what the simulator files for its account into Dovecot's mailbox; each once."""

    def __init__(self, s, provider):
        self.s, self.provider, self.next = s, provider, 1

    def carry(self):
        box = imaplib.IMAP4_SSL("localhost", self.s.port("a", "imaps"), ssl_context=self.s.context("stadt"))
        box.login("stadt", "geheim")
        box.select("INBOX", readonly=True)
        count = 0
        for uid in (int(u) for u in box.uid("SEARCH", "ALL")[1][0].split()):
            if uid < self.next:
                continue
            data = box.uid("FETCH", str(uid), "(BODY.PEEK[])")[1][0][1]
            (self.provider.bring if uid % 2 else self.provider.save)("stadt", data)
            self.next, count = uid + 1, count + 1
        box.logout()
        return count

    def until_carried(self, count):
        until(f"{count} more were carried", lambda: self._more(count))

    def _more(self, count):
        self.total = getattr(self, "total", 0) + self.carry()
        if self.total < count:
            return False
        self.total -= count
        return True


def confirmed(s, h, p, courier):
    """What the provider confirms lies in the polled mailbox, and ends the message."""
    assert p.lying("stadt") == {} and number(h, "failed_total", "stadt") == 0, "an empty mailbox is no fault"
    mid = submit(h, WEAK, "Bescheid ueber Dovecot")
    courier.until_carried(2)
    until("it is over", lambda: "msg.closed" in events(h, mid))
    kinds = events(h, mid)
    assert kinds.count("demail.dispatch") == 1 and kinds.count("demail.receipt") == 1, kinds
    assert not h.json("queue", "list", "--held")["messages"], h.json("queue", "list", "--held")
    until("they are marked as seen", lambda: all("\\Seen" in flags for flags in p.lying("stadt").values()))
    assert sorted(p.lying("stadt")) == [1, 2]


def incoming(s, h, p, courier):
    s.submit("erika", message(CITIZEN, [OFFICE], subject="Antrag", options="receipt"), [OFFICE], sender=CITIZEN)
    courier.until_carried(2)  # its confirmation of receipt is kept for both sides
    got = until("it is there", lambda: [m for m in h.mailboxes.messages if ("Antrag", m["to"]) in subjects(h)[-1:]])
    data = [m["data"] for m in h.mailboxes.messages if b"Subject: Antrag" in m["data"]][0]
    assert "integrity=good" in value(data, "Amtsbote-De-Mail"), value(data, "Amtsbote-De-Mail")
    assert got[-1]["to"] == ["amt53@stadt.example"], got[-1]["to"]


def by_pop3(h, p):
    """The other protocol: no flag is needed for it, and what the provider removes is forgotten."""
    for n in range(3):
        p.bring("firma", letter("firma@firma.de-mail.example", f"POP3 {n}", "x-de-mail-message-type: normal\r\n"))
    until("all three", lambda: {f"POP3 {n}" for n in range(3)} <= set(dict(subjects(h))))
    assert len(p.lying("firma")) == 3 and number(h, "listed_messages", "firma") == 3
    p.doveadm("expunge", "-u", "firma", "mailbox", "INBOX", "uid", "2")
    p.save("firma", letter("firma@firma.de-mail.example", "POP3 danach", "x-de-mail-message-type: normal\r\n"))
    until("the new one alone", lambda: "POP3 danach" in dict(subjects(h)))
    until("one went, one came", lambda: number(h, "listed_messages", "firma") == 3)
    assert number(h, "taken_total", "firma") == 4 and number(h, "refused_total", "firma") == 0
    names = [x for x, _ in subjects(h)]
    assert len([x for x in names if x.startswith("POP3")]) == 4, names


def killed(h, p):
    """Gateway or server, in the middle of what it does: every message once."""
    draw, before, wanted = random.Random(2718), len(h.leaves("msg.accept.ext")), []
    for n in range(KILLS):
        for k in range(3):
            for user in ("stadt", "firma"):
                wanted.append(f"{user} {n}.{k} im Fallen")
                body = b"x" * 70 + b"\r\n"
                p.bring(user, letter(f"{user}@{user}.de-mail.example", wanted[-1], "x-de-mail-message-type: normal\r\n") + body * draw.randrange(4000))
        time.sleep(draw.random() * 1.2)
        if n % 4 == 3:
            p.stop()
            until("it is told", lambda: told(h, "demail.poll_down", '"stadt"'))
            p.start()
            continue
        h.process.send_signal(signal.SIGKILL)
        h.process.wait()
        h.process = None
        h.start()
    until("all are there", lambda: {x for x, _ in subjects(h)} >= set(wanted), 90)
    assert len(h.leaves("msg.accept.ext")) - before == len(wanted), (len(h.leaves("msg.accept.ext")), before, len(wanted))
    print(f"killed {KILLS} times: {len(wanted)} messages, each accepted once")


def emptied(h, p):
    """The provider's own retention removes all: what comes afterwards has a higher UID, and comes once."""
    before = len(h.leaves("msg.accept.ext"))
    for user in ("stadt", "firma"):
        p.doveadm("expunge", "-u", user, "mailbox", "INBOX", "all")
        assert p.lying(user) == {}
    until("POP3 shows it", lambda: number(h, "listed_messages", "firma") == 0)
    for user in ("stadt", "firma"):
        p.save(user, letter(f"{user}@{user}.de-mail.example", f"{user} nach der Leerung", "x-de-mail-message-type: normal\r\n"))
    until("both", lambda: {"stadt nach der Leerung", "firma nach der Leerung"} <= set(dict(subjects(h))))
    assert len(h.leaves("msg.accept.ext")) == before + 2 and not told(h, "demail.poll_anew")


def counted_anew(h, p):
    """Another UIDVALIDITY: all comes once more; IMAP can tell, POP3 sees other names."""
    before = len(h.leaves("msg.accept.ext"))
    assert len(p.lying("stadt")) == len(p.lying("firma")) == 1
    for count, user in ((1, "stadt"), (2, "firma")):
        p.doveadm("mailbox", "update", "--uid-validity", "4711", "-u", user, "INBOX")
        until("once more", lambda: len(h.leaves("msg.accept.ext")) == before + count)
    assert told(h, "demail.poll_anew", '"stadt"', "4711") and not told(h, "demail.poll_anew", '"firma"')


def refused(h, p):
    """What is wrong is told as what it is, the mailbox or the password, and mended by the right one."""
    key, url = h.dir / "stadt.poll", f'imaps://localhost:{p.ports["imaps"]}/'

    def password(text):
        key.chmod(0o600)
        key.write_text(text)
        key.chmod(0o400)

    def around(what, spoil, mend):
        downs, ups = len(told(h, "demail.poll_down", '"stadt"')), len(told(h, "demail.poll_up", '"stadt"'))
        spoil()
        h.reload()
        until("it is told", lambda: told(h, "demail.poll_down", '"stadt"')[downs:])
        assert what in told(h, "demail.poll_down", '"stadt"')[downs], told(h, "demail.poll_down")
        now = h.json("status")
        assert [x["account"] for x in now["polls"]] == ["firma", "stadt"] and "down_since" not in now["polls"][0], now["polls"]
        assert what in now["polls"][1]["why"] and now["polls"][1]["looked"] <= now["polls"][1]["down_since"], now["polls"]
        assert [a for a in now["attention"] if "stadt cannot be read: " in a and what in a] and now["exit"] == 1, now["attention"]
        shown = h.cli("status", check=False).stdout.decode()
        assert "mailbox  stadt last read 20" in shown and ", fails since 20" in shown and "mailbox  firma last read 20" in shown, shown
        mend()
        h.reload()
        until("it is up again", lambda: told(h, "demail.poll_up", '"stadt"')[ups:])
        now = h.json("status")
        assert not [x for x in now["polls"] if "down_since" in x or "why" in x] and not now["attention"], now

    around("EXAMINE Nirgends", lambda: h.change_config(url + "INBOX", url + "Nirgends"), lambda: h.change_config(url + "Nirgends", url + "INBOX"))
    around("denied", lambda: password("falsch"), lambda: password(STADT))


def configure(s, h, p):
    join(s, h)
    text = h.config.read_text()
    key = h.dir / "stadt.poll"
    key.write_text(STADT)
    key.chmod(0o400)
    polled = f'poll = "imaps://localhost:{p.ports["imaps"]}/INBOX"\npoll_user = "stadt"\npoll_password = {{ file = "{key}" }}\npoll_every = "1s"\n'
    text = text.replace("messages_a_day = 1000\n", polled + "messages_a_day = 1000\n")
    text += METRICS + account(h, "firma", f"pop3s://localhost:{p.ports['pop3s']}", "firma.de-mail.example", "firma", FIRMA)
    h.config.write_text(text)


def main():
    with Simulator("--messages-a-day", "1000", "--recipients-a-day", "1000", "--account", "name=stadt address=*@stadt.de-mail.example password=geheim holder=Stadt",
                   "--account", f"name=erika address={CITIZEN} password=erika level=high holder=Erika Mustermann",
                   "--account", f"name=max side=b address={WEAK} password=max level=normal holder=Max Mustermann") as s, House() as h:
        p = Provider(h)
        p.start()
        try:
            configure(s, h, p)
            h.add_account()
            h.start()
            until("both were looked at", lambda: number(h, "taken_total", "stadt") == 0 and number(h, "taken_total", "firma") == 0)
            courier = Courier(s, p)
            for part in (lambda: confirmed(s, h, p, courier), lambda: incoming(s, h, p, courier), lambda: by_pop3(h, p), lambda: killed(h, p),
                         lambda: emptied(h, p), lambda: counted_anew(h, p), lambda: refused(h, p)):
                part()
            assert h.stop() == 0
            h.fsck()
        finally:
            p.stop()


if __name__ == "__main__":
    main()
    print("demail_dovecot: good")
