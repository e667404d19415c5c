"""Delivery that does not go well at first: 4yz is tried again, 5yz becomes a report of headers only, a lost answer is tried again and named."""
import email

from house import House, until

RETRY = """
first = "1s"
most = "10s"
"""

with House(retry=RETRY) as h:
    h.start()
    secret = "Inhalt-der-nicht-zurueck-darf"

    def submit(name):
        return h.submit([f"{name}@aussen.example"], sender="bauamt@stadt.example", role="relay", text=secret, subject=name).split()[2]

    h.internet.answers["data"] = "451 4.3.0 later"
    later = submit("spaeter")
    until("a deferred attempt", lambda: any('"message.delivery"' in e and '"state":"due"' in e for e in h.events))
    assert not h.internet.messages
    h.internet.answers.pop("data")
    assert h.internet.wait(1)[0]["to"] == ["spaeter@aussen.example"]

    h.internet.answers["rcpt"] = "550 5.1.1 nobody here\r"
    failed = submit("niemand")
    report = email.message_from_bytes(h.mailboxes.wait(1)[0]["data"])
    assert report.get_content_type() == "multipart/report" and h.mailboxes.messages[0]["from"] == ""
    assert h.mailboxes.messages[0]["to"] == ["bauamt@stadt.example"]
    assert secret.encode() not in h.mailboxes.messages[0]["data"]
    status = report.get_payload()[1].as_string()
    assert "Action: failed" in status and "Status: 5.1.1" in status and "niemand@aussen.example" in status
    h.internet.answers.pop("rcpt")

    h.internet.answers["data"] = "drop"
    lost = submit("verloren")
    until("an uncertain attempt", lambda: "relay.unknown" in h.cli("receipts", "show", lost).stdout.decode())
    h.internet.answers.pop("data")
    h.internet.wait(2)
    until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0)
    assert h.stop() == 0
print("retry: good")
