"""The De-Mail simulator's mailboxes by curl, imaplib and poplib: fetching, flags, removing, UIDVALIDITY; what only a login at the level high may see,
and the confirmation of retrieve that it sets off."""
import imaplib
import poplib
import subprocess

import demail
from demail import CITIZEN, COMPANY, TOWN, Simulator, message, value
from house import PATIENCE
from story_demail_simulator import check_confirmation

ACCOUNTS = ["name=stadt address=*@stadt.de-mail.example password=geheim retrieve=yes holder=Stadt Musterhausen",
            f"name=erika address={CITIZEN} password=erika level=normal holder=Erika Mustermann", "name=firma side=b address=*@firma.de-mail.example password=firma level=high"]


class Curl:
    """As libcurl does it in the gateway."""

    def __init__(self, s, account, side, password, certificate=False):
        self.base = ["curl", "--silent", "--show-error", "--max-time", str(int(PATIENCE)), "--cacert", str(s.pki("tls-root.pem")), "--user", f"{account}:{password}"]
        if certificate:
            self.base += ["--cert", str(s.pki(f"client-{account}.pem")), "--key", str(s.pki(f"client-{account}.key"))]
        self.imaps, self.pop3s = (f"{k}://localhost:{s.port(side, k)}/" for k in ("imaps", "pop3s"))

    def __call__(self, url, *more, code=0):
        r = subprocess.run([*self.base, *more, url], capture_output=True)
        assert r.returncode == code, (url, more, r.returncode, r.stderr.decode())
        return r.stdout

    def uids(self, what="ALL"):
        return [int(u) for u in self(self.imaps + "INBOX", "--request", f"UID SEARCH {what}").split()[2:]]

    def fetch(self, uid, more=""):
        return self(f"{self.imaps}INBOX{more};UID={uid}")

    def listing(self, *request):
        """The lines of LIST or UIDL."""
        return [line.split() for line in self(self.pop3s, *request).decode().split("\r\n") if line]


def imap(s):
    c = Curl(s, "firma", "b", "firma")
    bodies = {}
    for n in range(3):
        body = f"Nummer {n}\r\n.mit Punkt\r\n" + ("x" * 70 + "\r\n") * 1000 * n
        s.submit("stadt", message(to=[COMPANY], subject=f"Nachricht {n}", body=body), [COMPANY])
        bodies[n + 1] = body.encode()
    assert c.uids() == [1, 2, 3] and c.uids("UID 2:*") == [2, 3] and c.uids("UNSEEN") == [1, 2, 3]
    for uid in (1, 2, 3):
        assert demail.body_of(c.fetch(uid)) == bodies[uid]
    assert c.uids("SEEN") == [1, 2, 3]
    assert c.fetch(2, ";UIDVALIDITY=1").endswith(bodies[2])
    c(c.imaps + "INBOX;UIDVALIDITY=2;UID=2", code=78)
    s.control("renew firma")
    c(c.imaps + "INBOX;UIDVALIDITY=1;UID=2", code=78)
    # nothing goes but by \\Deleted and EXPUNGE, and its UID is never used again
    c(c.imaps + "INBOX", "--request", "UID STORE 2 +FLAGS.SILENT (\\Deleted)")
    assert c.uids() == [1, 2, 3] and c.uids("DELETED") == [2]
    c(c.imaps + "INBOX", "--request", "EXPUNGE")
    assert c.uids() == [1, 3]
    s.submit("stadt", message(to=[COMPANY], subject="Nachricht 4"), [COMPANY])
    assert c.uids() == [1, 3, 4]
    Curl(s, "firma", "b", "falsch")(c.imaps + "INBOX", code=67)
    Curl(s, "stadt", "b", "geheim")(c.imaps + "INBOX", code=67)  # of the other provider

    # a client that is no curl: LOGIN with literals, items, a second session that removes
    box = imaplib.IMAP4_SSL("localhost", s.port("b", "imaps"), ssl_context=s.context(), timeout=PATIENCE)
    other = imaplib.IMAP4_SSL("localhost", s.port("b", "imaps"), ssl_context=s.context(), timeout=PATIENCE)
    for session in (box, other):
        session.login("firma", "firma")
        assert session.select("INBOX")[1] == [b"3"]
    ok, got = box.uid("FETCH", "1:*", "(FLAGS RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    assert [g[1] for g in got if isinstance(g, tuple)] == [b"Subject: Nachricht %d\r\n\r\n" % n for n in (0, 2, 4)], got
    assert b"RFC822.SIZE %d " % len(c.fetch(4)) in got[4][0] and b"\\Seen" not in got[4][0], got
    assert box.uid("FETCH", "4", "(BODY.PEEK[TEXT]<0.5>)")[1][0][1] == b"Guten"
    assert other.uid("STORE", "3", "+FLAGS", "(\\Deleted)")[0] == "OK" and other.expunge()[1] == [b"2"]
    assert box.uid("SEARCH", "ALL")[1] == [b"1 4"]
    assert box.noop()[0] == "OK" and box.fetch("2", "(UID)")[1] == [b"2 (UID 4)"]
    try:
        raise AssertionError(box.uid("FETCH", "1", "(ENVELOPE)"))
    except imaplib.IMAP4.error as e:
        assert "item not known" in str(e), e
    # names and passwords as literals, as imaplib sends what no quoted string can hold
    plain = imaplib.IMAP4_SSL("localhost", s.port("b", "imaps"), ssl_context=s.context(), timeout=PATIENCE)
    plain.literal = b"firma"
    assert plain._simple_command("LOGIN", "firma")[0] == "OK"


def main():
    with Simulator(*(w for a in ACCOUNTS for w in ("--account", a))) as s:
        imap(s)
        pop3(s)
        levels(s)
        retrieve(s)


def pop3(s):
    c = Curl(s, "firma", "b", "firma")
    sizes, ids = c.listing(), c.listing("--request", "UIDL")
    assert [n for n, _ in sizes] == ["1", "2"] and [u for _, u in ids] == ["2-1", "2-4"], (sizes, ids)
    for number, size in sizes:
        data = c(c.pop3s + number)
        assert len(data) == int(size) and data == Curl(s, "firma", "b", "firma").fetch([1, 4][int(number) - 1])
    assert c(c.pop3s + "1").count(b"\r\n.mit Punkt\r\n") == 1
    c(c.pop3s + "1", "--request", "DELE", "--head")
    assert c.listing("--request", "UIDL") == [["1", "2-4"]]
    box = poplib.POP3_SSL("localhost", s.port("b", "pop3s"), context=s.context(), timeout=PATIENCE)
    box.user("firma")
    box.pass_("firma")
    assert box.stat()[0] == 1 and box.top(1, 1)[1][-1] == b"Guten Tag,"
    box.dele(1)
    try:
        box.retr(1)
        raise AssertionError("a marked message was given")
    except poplib.error_proto:
        pass
    box.close()  # without QUIT nothing goes (RFC 1939 section 6)
    assert c.listing("--request", "UIDL") == [["1", "2-4"]]


def levels(s):
    """Personal messages are there for a login at the level high alone; what asks for a confirmation cannot be removed by any other."""
    normal, high = Curl(s, "erika", "a", "erika"), Curl(s, "erika", "a", "erika", certificate=True)
    s.submit("stadt", message(to=[CITIZEN], options="private", subject="vertraulich"), [CITIZEN])
    s.submit("stadt", message(to=[CITIZEN], options="receipt"), [CITIZEN])
    s.submit("stadt", message(to=[CITIZEN]), [CITIZEN])
    # 3 is the copy of the confirmation of receipt
    assert normal.uids() == [2, 3, 4] and high.uids() == [1, 2, 3, 4]
    assert normal.listing() == [[str(n), size] for n, (_, size) in enumerate(high.listing()[1:], 1)]
    normal(normal.imaps + "INBOX;UID=1", code=78)
    normal(normal.imaps + "INBOX", "--request", "UID STORE 2 +FLAGS (\\Deleted)", code=21)
    normal(normal.imaps + "INBOX", "--request", "UID STORE 4 +FLAGS (\\Deleted)")
    normal(normal.imaps + "INBOX", "--request", "EXPUNGE")
    assert normal.uids() == [2, 3]
    normal(normal.pop3s + "1", "--request", "DELE", "--head", code=8)
    high(high.imaps + "INBOX", "--request", "UID STORE 2 +FLAGS (\\Deleted)")
    high(high.imaps + "INBOX", "--request", "EXPUNGE")
    assert high.uids() == [1, 3]
    # the certificate alone
    assert Curl(s, "erika", "a", "", certificate=True)(high.imaps + "INBOX", "--request", "UID SEARCH ALL", "--login-options", "AUTH=EXTERNAL").split()[2:] == [b"1", b"3"]


def retrieve(s):
    """The confirmation comes at the first login at the level high behind the arrival, once, and says when both were."""
    town, normal, high = Curl(s, "stadt", "a", "geheim"), Curl(s, "erika", "a", "erika"), Curl(s, "erika", "a", "erika", certificate=True)
    s.submit("stadt", message(to=[CITIZEN], options="dispatch retrieve", private_id="r.1"), [CITIZEN])
    letter, = s.journal("letter", private_id="r.1")
    assert sorted(letter["options"]) == ["dispatch", "private", "retrieve"]
    normal.uids()
    assert not s.journal("issued", type="confirmation of retrieve")
    high.uids()
    high.uids()
    issued, = s.journal("issued", type="confirmation of retrieve")
    # it is personal: the town must log in at the level high as well
    assert town.uids() and not any(value(town.fetch(u), "x-de-mail-message-type") == "confirmation of retrieve" for u in town.uids())
    sure = Curl(s, "stadt", "a", "geheim", certificate=True)
    data, = [d for d in map(sure.fetch, sure.uids()) if value(d, "x-de-mail-message-type") == "confirmation of retrieve"]
    c = check_confirmation(s, data, "retrieve", letter, TOWN, CITIZEN, "r.1", "a")
    assert c.element("DeliveryTime") <= c.element("Time") and value(data, "x-de-mail-private") == "yes"
    # by the control socket, for accounts whose messages are pushed
    s.submit("stadt", message(to=[CITIZEN], options="retrieve", private_id="r.2"), [CITIZEN])
    assert s.control("login erika normal")["confirmed"] == 0 and s.control("login erika")["confirmed"] == 1 and s.control("login erika")["confirmed"] == 0
    assert s.journal("issued")[-1]["private_id"] == "r.2"


if __name__ == "__main__":
    main()
    print("demail_mailboxes: good")
