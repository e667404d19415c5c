"""An account with a name and a password: level normal, with the limits of a day, its confirmations fetched from its mailbox by IMAP; and nobody inside can make a
message look like a De-Mail either."""
import email
import smtplib

from demail import OFFICE, WEAK, Simulator, join, letter, submit
from house import House, until
from story_demail_outgoing import events, state

LOGIN = '''user = "stadt"
password = { file = "%s" }
level = "normal"
poll = "imaps://localhost:%d/INBOX"
poll_user = "stadt"
poll_password = { file = "%s" }
poll_every = "1s"
'''


def by_password(s, h):
    mid = submit(h, WEAK, "Bescheid mit Kennwort")
    taken = until("the provider took it", lambda: s.journal("taken"))[0]
    assert taken["level"] == "normal" and taken["from"] == OFFICE and taken["private_id"] == mid + ".0", taken
    until("it is over", lambda: "msg.closed" in events(h, mid))
    assert {"demail.dispatch", "demail.receipt"} <= set(events(h, mid)), events(h, mid)
    try:
        submit(h, WEAK, "[Persönlich] Bescheid")
        raise AssertionError("level normal asked for what needs level high")
    except smtplib.SMTPDataError as refused:
        assert refused.smtp_code == 550, refused


def limits_of_a_day(s, h):
    second, third = submit(h, WEAK, "Zweiter Bescheid"), submit(h, WEAK, "Dritter Bescheid")
    until("the second is over", lambda: "msg.closed" in events(h, second))
    until("the third was put off", lambda: "relay.defer" in events(h, third))
    assert state(h, third) == "due" and len(s.journal("taken")) == 2
    assert h.json("queue", "show", third)["recipients"][0]["last_error"].startswith("the De-Mail account has sent"), h.json("queue", "show", third)
    # the count outlives the process
    assert h.stop() == 0
    h.start()
    h.cli("queue", "retry", third)
    until("put off again", lambda: events(h, third).count("relay.defer") == 2)
    assert len(s.journal("taken")) == 2
    h.change_config("messages_a_day = 2", "messages_a_day = 3")
    h.reload()
    h.cli("queue", "retry", third)
    until("the third is over", lambda: "msg.closed" in events(h, third))


def nobody_inside(h):
    h.add_account("kollege", "geheim", ("amt53@stadt.example",))
    forged = "Amtsbote-De-Mail: type=normal; integrity=good; signed=proven\r\nAmtsbote-Protection: signed=valid\r\nx-de-mail-sender: erika@anbieter-a.de-mail.example\r\n"
    h.submit(["amt53@stadt.example"], raw=letter("amt53@stadt.example", "Von nebenan", forged))
    got = until("it is there", lambda: [m["data"] for m in h.mailboxes.messages if b"Von nebenan" in m["data"]])[0]
    fields = {k.lower() for k in email.message_from_bytes(got).keys()}
    assert not {"amtsbote-de-mail", "amtsbote-protection", "x-de-mail-sender"} & fields, fields


def main():
    with Simulator("--messages-a-day", "100", "--recipients-a-day", "100") as s, House() as h:
        join(s, h)
        key = h.dir / "demail.password"
        key.write_text("geheim")
        key.chmod(0o400)
        text = h.config.read_text()
        certificate = text[text.index('client_certificate = "'):text.index('domains = ["stadt.de-mail.example"]')]
        h.change_config(certificate, LOGIN % (key, s.port("a", "imaps"), key))
        h.change_config("messages_a_day = 1000", "messages_a_day = 2")
        h.add_account()
        h.start()
        by_password(s, h)
        limits_of_a_day(s, h)
        nobody_inside(h)
        assert h.stop() == 0
        h.fsck()


if __name__ == "__main__":
    main()
    print("demail_login: good")
