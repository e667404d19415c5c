"""SIGHUP: a broken policy leaves the old one in force, a good one takes over, and each receipt leads to the text that decided."""
import signal
import smtplib

from house import House

OPEN = """
[[rule]]
name = "offen"
when = { direction = "outbound" }
then = { encrypt = [], otherwise = "clear", transport = "any" }
"""
CLOSED = """
[[rule]]
name = "zu"
when = { direction = "outbound" }
then = { refuse = { de = "Heute nicht.", en = "Not today." } }
"""


def main():
    with House(policy=OPEN) as h:
        h.start()
        h.add_account()
        h.submit(["a@aussen.example"], text="eins")
        h.internet.wait(1)

        h.policy = OPEN.replace("encrypt", "encrpt")
        h.write_config()
        h.reload(result="refused")
        h.submit(["a@aussen.example"], text="zwei")
        h.internet.wait(2)

        h.policy = CLOSED
        h.write_config()
        h.reload()
        try:
            h.submit(["a@aussen.example"], text="drei")
            raise AssertionError("the new policy is not in force")
        except (smtplib.SMTPDataError, smtplib.SMTPRecipientsRefused) as e:
            assert "Heute nicht." in str(e) and "Not today." in str(e), e
        assert h.stop(signal.SIGTERM) == 0
        assert len(h.internet.messages) == 2

        decided = h.leaves("msg.decide")
        refused = h.leaves("msg.reject")
        assert len({leaf["cfg"] for leaf in decided}) == 1 and len(refused) == 1
        assert decided[0]["cfg"] != refused[0]["cfg"]
        known = h.config_texts()
        assert decided[0]["cfg"] in known and refused[0]["cfg"] in known, (decided[0]["cfg"], list(known))


if __name__ == "__main__":
    main()
