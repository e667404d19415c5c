"""A thousand De-Mails, their confirmations shuffled, doubled, 5 % lost and 5 % forged: each message ends in the state that what arrived justifies, no forged
confirmation counts, and the log is whole."""
import os

from demail import CITIZEN, COMPANY, WEAK, Simulator, join, letter
from house import House, until
from story_demail_outgoing import events

COUNT = int(os.environ.get("DEMAIL_COUNT", "1000"))
# every way in which one can be forged counts for nothing; of an unknown version, signed by its provider, all is true that it says
COUNTS = {"good", "late", "doubled", "unknown-version", "spoofed"}
TO = [WEAK, CITIZEN, COMPANY]


def submit_all(h):
    mids, smtp = [], h.client()
    for n in range(COUNT):
        to = TO[n % 3]
        smtp.mail("amt53@stadt.example")
        smtp.rcpt(to)
        code, text = smtp.data(letter(to, f"Bescheid {n}"))
        assert code == 250, (code, text)
        mids.append(text.decode().split()[2])
    smtp.quit()
    return mids


def quiet(s, h):
    queue = h.json("status")["queue"]
    return queue["due"] == 0 and queue["in_flight"] == 0 and s.control("status")["unpushed"] == 0


def main():
    with Simulator("--messages-a-day", "9999", "--recipients-a-day", "9999", "--misbehave", "shuffle=40 lost=5 forged=5 doubled=10 seed=11") as s, House() as h:
        join(s, h, overdue="60s")
        h.add_account()
        h.start()
        s.control(f"push 127.0.0.1:{h.ports['demail']}")
        mids = submit_all(h)
        until("all are taken", lambda: len(s.journal("taken")) == COUNT, 300)
        s.control("misbehave none")
        s.control("flush")
        until("nothing moves any more", lambda: quiet(s, h), 300)
        # by the letter, since a forged confirmation may name another message
        about = {e["id"]: e["private_id"].split(".")[0] for e in s.journal("letter")}
        came = {mid: {} for mid in mids}
        forged = lost = 0
        for e in s.journal("issued"):
            mid = about[e["about"]]
            if e["fate"] == "lost":
                lost += 1
            elif e["fate"] in COUNTS:
                came[mid][e["type"]] = True
            else:
                forged += 1
        assert lost > COUNT // 20 and forged > COUNT // 20, (lost, forged)
        # a receipt without its dispatch is enough once the dispatch had its time; a dispatch without its receipt is not
        received = {mid for mid in mids if "confirmation of receipt" in came[mid]}
        until("what has arrived is over", lambda: not received & {m["mid"] for m in h.json("queue", "list", "--limit", "100000")["messages"]}, 200)
        until("the others are overdue", lambda: all("demail.overdue" in events(h, mid) for mid in mids if mid not in received), 200)
        open_states = {m["mid"]: m["recipients"][0]["state"] for m in h.json("queue", "list", "--limit", "100000")["messages"]}
        ends = {"delivered": 0, "submitted": 0}
        for mid in mids:
            kinds = events(h, mid)
            dispatch, receipt = "confirmation of dispatch" in came[mid], "confirmation of receipt" in came[mid]
            assert kinds.count("demail.dispatch") == dispatch and kinds.count("demail.receipt") == receipt, (mid, kinds, came[mid])
            over = receipt
            # one that came may have come late
            assert "demail.overdue" in kinds or (dispatch and receipt), (mid, kinds)
            assert ("msg.closed" in kinds) == over and (mid in open_states) == (not over), (mid, kinds)
            assert over or open_states[mid] == "submitted", (mid, open_states[mid])
            ends["delivered" if over else "submitted"] += 1
        held = [m for m in h.json("queue", "list", "--held", "--limit", "100000")["messages"]]
        assert len(held) >= forged * 9 // 10 and not set(m["mid"] for m in held) & set(mids), (len(held), forged)
        assert h.stop() == 0
        h.fsck()
        print(f"{COUNT} sent, {lost} confirmations lost, {forged} forged and {len(held)} of them held for a person: {ends}")


if __name__ == "__main__":
    main()
    print("demail_thousand: good")
