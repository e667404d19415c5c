"""What takes long and what never arrives: one notice of the delay, one of the failure, and the same for what is held; mail from outside stays held and its sender hears nothing."""
import email

from house import House, until

RETRY = """
first = "1s"
most = "1s"
growth = 1
delay_notice = "2s"
expiry = "5s"
hold_expiry = "4s"
"""

POLICY = """
[[rule]]
name = "warten"
when = { direction = "outbound", keyword = "warten" }
then = { otherwise = "hold" }

[[rule]]
name = "offen"
when = { direction = "outbound" }
then = { otherwise = "clear", transport = "any" }

[[rule]]
name = "von draussen warten"
when = { direction = "inbound" }
then = { quarantine = true }
"""

SECRET = "Inhalt-der-nicht-zurueck-darf"


def main():
    with House(policy=POLICY, retry=RETRY) as h:
        h.start()
        h.internet.answers["data"] = "451 4.3.2 voll bis morgen"

        def submit(subject, options=(), **kw):
            s = h.client("relay")
            s.ehlo_or_helo_if_needed()
            raw = f"From: bauamt@stadt.example\r\nTo: b@aussen.example\r\nSubject: {subject}\r\n\r\n{SECRET}\r\n".encode()
            for code, reply in (s.mail("bauamt@stadt.example"), s.rcpt("b@aussen.example", options), s.data(raw)):
                assert code == 250, reply
            s.close()
            return reply.decode().split()[2]

        def reports(subject):
            """What the sender was told about one message, as (action, status), in order."""
            out = []
            for m in h.mailboxes.messages:
                parsed = email.message_from_bytes(m["data"])
                assert m["from"] == "" and m["to"] == ["bauamt@stadt.example"] and SECRET.encode() not in m["data"]
                assert parsed["Auto-Submitted"] == "auto-replied"
                if subject in parsed.get_payload()[2].as_string():
                    status = parsed.get_payload()[1].as_string()
                    out.append((status.split("Action: ")[1].split()[0], status.split("Status: ")[1].split()[0]))
                    if out[-1][0] == "delayed":
                        assert "Will-Retry-Until: " in status
            return out

        late = submit("spaet")
        never = submit("stumm", ["NOTIFY=NEVER"])
        only = submit("knapp", ["NOTIFY=FAILURE"])
        held = submit("[warten] Akte")
        outside = h.submit(["bauamt@stadt.example"], sender="x@fremd.example", role="mx", subject="fremd").split()[2]

        # the hold is told at once, and ends in time
        until("the notice of the hold", lambda: reports("Akte") == [("delayed", "4.7.1")])
        assert h.json("queue", "show", held)["recipients"][0]["state"] == "held"
        until("one notice of the delay", lambda: reports("spaet") == [("delayed", "4.3.2")])
        until("the failure", lambda: reports("spaet") == [("delayed", "4.3.2"), ("failed", "4.3.2")])
        until("the failure alone", lambda: reports("knapp") == [("failed", "4.3.2")])
        until("the end of the hold", lambda: reports("Akte") == [("delayed", "4.7.1"), ("failed", "5.4.7")])

        # only what came from outside is left, held as before
        until("the rest is over", lambda: [m["mid"] for m in h.json("queue", "list")["messages"]] == [outside])
        assert h.json("queue", "show", outside)["recipients"][0]["state"] == "held"
        assert reports("stumm") == [] and not h.internet.messages and len(h.mailboxes.messages) == 5, [m["data"] for m in h.mailboxes.messages]
        for mid in (late, never, only):
            told = h.cli("receipts", "show", mid).stdout.decode()
            assert "relay.defer" in told and "relay.fail" in told and "msg.closed" in told, told
        assert "msg.hold" in h.cli("receipts", "show", held).stdout.decode()
        assert h.stop() == 0
        assert h.fsck().returncode == 0


if __name__ == "__main__":
    main()
    print("expiry: good")
