"""A next hop that says later, no, or nothing at all after the final dot."""
from house import House, until

CLEAR = """
[[rule]]
name = "offen"
when = { direction = "outbound" }
then = { encrypt = [], otherwise = "clear", transport = "any" }
"""
MARKER = "streng-geheimer-inhalt"


def main():
    with House(policy=CLEAR, retry='first = "1s"\nmost = "10s"') as h:
        h.start()
        h.add_account()

        h.internet.answers["data"] = "451 4.3.0 later"
        h.submit(["a@aussen.example"], text="spaeter")
        until("a first attempt that was put off", lambda: h.internet.attempts >= 1)
        assert h.internet.messages == []
        h.internet.answers.clear()
        h.internet.wait(1)
        assert h.internet.attempts >= 2

        h.internet.answers["data"] = "554 5.6.0 never"
        h.submit(["b@aussen.example"], text=MARKER, subject="Bescheid")
        report = h.mailboxes.wait(1)[0]
        assert report["from"] == "" and report["to"] == ["amt53@stadt.example"], report
        assert b"multipart/report" in report["data"] and b"message/delivery-status" in report["data"]
        assert b"5.6.0" in report["data"] and b"b@aussen.example" in report["data"]
        assert MARKER.encode() not in report["data"], "the report carries the body"

        h.internet.answers["data"] = "drop"
        before = h.internet.attempts
        h.submit(["c@aussen.example"], text="ungewiss")
        until("the attempt with the connection dropped", lambda: h.internet.attempts > before)
        h.internet.answers.clear()
        messages = h.internet.wait(2)
        assert messages[1]["to"] == ["c@aussen.example"] and b"ungewiss" in messages[1]["data"]
        assert h.stop() == 0
        assert h.leaves("relay.defer") and h.leaves("relay.fail") and h.leaves("relay.unknown") and h.leaves("dsn.sent")


if __name__ == "__main__":
    main()
