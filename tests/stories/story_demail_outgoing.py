"""A message becomes a De-Mail: sent as the department's De-Mail address with the gateway's own fields, by its provider and by nothing else; watched
for its confirmations; and never sent a second time by itself, wherever the gateway is killed."""
import email
import email.policy
import os
import random
import signal
import smtplib
import time

from demail import COMPANY, NOBODY, OFFICE as SENDER, WEAK, Simulator, letter, submit, town_config as config
from house import House, until
from story_watching import LISTENER as METRICS, numbers

COUNT = 50


def events(h, mid):
    return [e["event"] for e in h.json("receipts", "show", mid)["timeline"]]


def state(h, mid):
    return h.json("queue", "show", mid)["recipients"][0]["state"]


def one_goes(s, h):
    forged = (f"x-de-mail-sender: erika.mustermann@anbieter-a.de-mail.example\r\nX-De-Mail-Private-Id: fremd\r\nx-de-mail-version: 9.9\r\n"
              "Reply-To: jemand@internet.example\r\n")
    mid = submit(h, WEAK, "[De-Mail] [Dispatch confirmation] Bescheid 4711", forged)
    taken = until("the provider took it", lambda: s.journal("taken"))[0]
    assert taken["private_id"] == mid + ".0" and taken["subject"] == "Bescheid 4711", taken
    assert taken["from"] == SENDER and taken["recipients"] == [WEAK], taken
    assert set(taken["options"]) == {"dispatch", "receipt"} and taken["level"] == "high", taken
    until("it is submitted", lambda: state(h, mid) == "submitted")
    assert not h.internet.messages
    return mid


def it_is_overdue(h, mid):
    shown = until("a notice", lambda: h.mailboxes.messages)[0]
    text = email.message_from_bytes(shown["data"], policy=email.policy.default).get_body().get_content()
    assert "eine angeforderte Bestätigung steht aus" in text and "a confirmation that was asked for is missing" in text, text
    assert "weiter versucht" not in text and "tried again" not in text, text
    assert state(h, mid) == "submitted"
    kinds = events(h, mid)
    assert kinds.index("demail.submit") < kinds.index("demail.overdue"), kinds
    assert numbers(h)[1]['amtsbote_demail_overdue{account="stadt"}'] == 1
    assert h.json("status")["demail_overdue"] == 1 and any("1 De-Mails are overdue" in a for a in h.json("status")["attention"]), h.json("status")
    # whether it runs on or begins anew
    assert h.stop() == 0
    h.start()
    assert numbers(h)[1]['amtsbote_demail_overdue{account="stadt"}'] == 1


def it_is_cancelled(h, mid):
    h.cli("queue", "cancel", mid, "--reason", "im Konto nachgesehen")
    until("nothing is overdue", lambda: numbers(h)[1]['amtsbote_demail_overdue{account="stadt"}'] == 0)
    assert h.json("status")["demail_overdue"] == 0


def no_other_way(h):
    for to, subject in (("buerger@aussen.example", "[De-Mail] Bescheid"), ("buerger@aussen.example", "[Personal] Bescheid")):
        try:
            submit(h, to, subject)
            raise AssertionError("taken: " + subject)
        except smtplib.SMTPDataError as refused:
            assert refused.smtp_code == 550 and b"De-Mail" in refused.smtp_error, refused
    assert not h.internet.messages


def it_is_refused(s, h):
    """A certain no of the provider: the sender hears at once."""
    s.control("smtp rcpt=550:1")
    before = len(h.mailboxes.messages)
    mid = submit(h, NOBODY, "Bescheid an niemand")
    report = email.message_from_bytes(h.mailboxes.wait(before + 1)[before]["data"])
    assert "Action: failed" in report.get_payload()[1].as_string()
    until("it is over", lambda: not [m for m in h.json("queue", "list")["messages"] if m["mid"] == mid])


def one_of_two_is_refused(s, h):
    """A De-Mail names all its recipients: while the provider refuses one of them, none is sent, so that nobody gets it twice."""
    before = len(s.journal("taken"))
    s.control("smtp rcpt=550:1")
    mid = h.submit([WEAK, COMPANY], raw=letter(f"{WEAK}, {COMPANY}", "Bescheid an zwei")).split()[2]

    def states():
        return [(r["state"], r["attempts"]) for r in h.json("queue", "show", mid)["recipients"]]
    until("the other waits", lambda: states() == [("failed", 1), ("due", 1)])
    assert len(s.journal("taken")) == before
    h.cli("queue", "retry", mid)
    until("the other is submitted", lambda: states()[1][0] == "submitted")
    (taken,) = s.journal("taken")[before:]
    assert taken["recipients"] == [COMPANY] and taken["private_id"] == mid + ".1", taken
    # what is submitted can be ended by a person
    h.cli("queue", "cancel", mid, "--reason", "im Konto nachgesehen")
    until("it is over", lambda: not [m for m in h.json("queue", "list")["messages"] if m["mid"] == mid])


def nobody_knows(s, h):
    before, heard = len(s.journal("taken")), len(h.mailboxes.messages)
    s.control("smtp dot=close-taken:1")
    mid = submit(h, WEAK, "Bescheid, dessen Annahme niemand hört")
    until("it is held for a person", lambda: state(h, mid) == "held")
    assert len(s.journal("taken")) == before + 1
    texts = [m["data"].decode() for m in h.mailboxes.wait(heard + 1)[heard:]]
    assert any("Whether your message was sent is not known" in t.replace("=\r\n", "") for t in texts), texts
    assert not any("nor sent" in t for t in texts), texts
    kinds = events(h, mid)
    assert "relay.unknown" in kinds and "demail.uncertain" in kinds, kinds


def killed(s, h):
    """Never twice, never lost."""
    draw, mids = random.Random(4711), []
    for n in range(COUNT):
        if n % 2:
            s.control("smtp dot=hang-taken:1")
        before = len(s.journal("taken"))
        mids.append(submit(h, WEAK, f"Bescheid {n}"))
        if n % 2:
            until("the provider has it", lambda: len(s.journal("taken")) > before)
        else:
            time.sleep(draw.random() * 0.4)
        h.process.send_signal(signal.SIGKILL)
        h.process.wait()
        h.process = None
        h.start()
    seen = {}
    until("nothing moves any more", lambda: h.json("status")["queue"]["due"] + h.json("status")["queue"]["in_flight"] + h.json("status")["queue"]["unknown"] == 0)
    for e in s.journal("taken"):
        seen[e["private_id"]] = seen.get(e["private_id"], 0) + 1
    uncertain = 0
    for mid in mids:
        times, now = seen.get(mid + ".0", 0), state(h, mid)
        assert now in ("submitted", "held"), (mid, now)
        assert times == 1 if now == "submitted" else times <= 1, (mid, now, times)
        if now == "held":
            uncertain += 1
            assert "demail.uncertain" in events(h, mid)
    print(f"killed {COUNT} times: {COUNT - uncertain} submitted, {uncertain} uncertain, {sum(seen.values())} taken, none twice")


def main():
    with Simulator("--messages-a-day", "1000", "--recipients-a-day", "1000") as s, House() as h:
        s.pki("client-stadt.key").chmod(0o400)
        anchors = h.dir / "anchors.pem"
        anchors.write_bytes(h.pki.ca.read_bytes() + s.pki("tls-root.pem").read_bytes())
        h.extra = config(s) + METRICS
        h.write_config()
        h.change_config(f'tls_anchors = "{h.pki.ca}"', f'tls_anchors = "{anchors}"')
        h.add_account()
        h.start()
        mid = one_goes(s, h)
        it_is_overdue(h, mid)
        it_is_cancelled(h, mid)
        no_other_way(h)
        it_is_refused(s, h)
        one_of_two_is_refused(s, h)
        nobody_knows(s, h)
        killed(s, h)
        assert not h.internet.messages
        assert h.stop() == 0
        h.fsck()


if __name__ == "__main__":
    main()
    print("demail_outgoing: good")
