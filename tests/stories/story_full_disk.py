"""A full disk is temporary: mail is refused with 452 or 503 before it is taken, what was acknowledged is delivered, and with room again all goes on."""
import os
import smtplib

from api import Client, https_config, token_for
from faults import check_doubles, check_log
from house import House, run, until

SIZE = 1_500_000

with House(retry='first = "1s"\nmost = "10s"') as h:
    state = h.dir / "state"
    state.mkdir(mode=0o700)
    run("mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", state)
    try:
        h.extra = https_config(h)
        h.write_config()
        h.add_account("bau", addresses=("bauamt@stadt.example",))
        h.start()
        client = Client(h, token_for(h, "bau")["token"])
        h.internet.answers["data"] = "451 4.3.0 later"  # nothing leaves, so the disk fills

        def submit(n):
            try:
                h.submit(["x@aussen.example"], sender="bauamt@stadt.example", role="relay", subject=f"n{n}", text="x" * 70 + ("\r\n" + "x" * 70) * (SIZE // 72))
                return 250
            except smtplib.SMTPSenderRefused as e:
                return e.smtp_code
            except smtplib.SMTPDataError as e:
                return e.smtp_code

        def upload(n, size):
            """Without a length: how much comes is seen when the disk is full."""
            line = b"x" * 70 + b"\r\n"
            pieces = [line * 500] * (size // len(line) // 500)
            head = b"From: bauamt@stadt.example\r\nTo: x@aussen.example\r\nSubject: n%d\r\n\r\n" % n
            return client.json("POST", "/v1/messages", iter([head] + pieces), Content_Type="message/rfc822", Transfer_Encoding="chunked")

        status, _, problem = upload(2000, 80_000_000)
        assert status == 503 and problem["type"].endswith(":disk_full"), (status, problem)
        until("nothing of it is left", lambda: not os.listdir(state / "spool"))
        assert upload(3000, SIZE)[0] == 202
        codes = []
        while len(codes) < 200 and (not codes or codes[-1] == 250):
            codes.append(submit(len(codes)))
        acknowledged = codes.count(250)
        assert codes[-1] == 452 and acknowledged > 5, codes[-3:]
        assert h.process.poll() is None
        assert upload(3001, SIZE)[0] == 503
        # the next hop takes mail again: everything acknowledged arrives, outcomes are written although the disk is tight
        h.internet.answers.pop("data")
        h.internet.wait(acknowledged + 1)
        until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0)
        until("room for new mail", lambda: submit(1000) == 250)
        assert h.stop() == 0
        subjects = {m["data"].split(b"Subject: ")[1].split(b"\r\n")[0] for m in h.internet.messages}
        assert {b"n%d" % n for n in [3000, *range(acknowledged)]} <= subjects and not subjects & {b"n2000", b"n3001"}
        check_doubles(h)
        check_log(h)
    finally:
        h.stop()
        run("umount", state)
print(f"full disk: {acknowledged} acknowledged and delivered, then 452 and 503, then on")
