"""A small IMAP server over TLS that misbehaves as told, for stories: what a hostile provider could do to whoever polls it."""
import re
import socket
import ssl
import threading


class HostileImap:
    """`how` is one of the words below, changed at any time; `messages`: UID to bytes.

    good, greeting (without end), silent, literal (of 4 GiB), cut (in the middle of a literal), unordered (UIDs), no (to every fetch),
    lies (about sizes), validity (another at each look)"""

    def __init__(self, tls, messages=None, how="good"):
        self.how, self.messages, self.validity = how, dict(messages or {}), 77
        self.fetched, self.sessions, self.seen = [], 0, set()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*map(str, tls))
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _accept(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        try:
            conn = self.context.wrap_socket(conn, server_side=True)
            self.sessions += 1
            self._talk(conn)
        except (OSError, ValueError):
            pass
        finally:
            conn.close()

    def _talk(self, conn):
        f = conn.makefile("rb")

        def say(text):
            conn.sendall(text if isinstance(text, bytes) else text.encode())

        if self.how == "silent":
            f.read()
            return
        while self.how == "greeting":
            say("* " + "x" * 60000)
        say("* OK ready\r\n")
        while True:
            line = f.readline().decode()
            if not line:
                return
            tag, command = line.strip().split(" ", 1)
            verb = command.upper()
            if verb == "CAPABILITY":
                say("* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n")
            elif verb.startswith(("SELECT", "EXAMINE")):
                if self.how == "validity" and verb.startswith("EXAMINE"):
                    self.validity += 1
                say(f"* {len(self.messages)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] x\r\n")
            elif verb.startswith("UID FETCH") and "RFC822.SIZE" in verb:
                self._list(say, int(re.search(r"FETCH (\d+)", verb).group(1)))
            elif verb.startswith("UID FETCH"):
                uid = int(re.search(r"FETCH (\d+)", verb).group(1))
                self.fetched.append(uid)
                data = self.messages[uid]
                if self.how == "literal":
                    say(f"* 1 FETCH (UID {uid} BODY[] {{4294967296}}\r\n")
                    while True:
                        say(b"x" * 70 + b"\r\n")
                if self.how == "cut":
                    say(f"* 1 FETCH (UID {uid} BODY[] {{{len(data)}}}\r\n".encode() + data[:len(data) // 2])
                    return
                if self.how == "no":
                    say(tag + " NO not today\r\n")
                    continue
                say(f"* 1 FETCH (UID {uid} BODY[] {{{len(data)}}}\r\n".encode() + data + b")\r\n")
            elif verb.startswith("UID STORE"):
                self.seen |= {int(u) for u in re.search(r"STORE ([\d,]+)", verb).group(1).split(",")}
            elif verb == "LOGOUT":
                say("* BYE\r\n" + tag + " OK bye\r\n")
                return
            say(tag + " OK done\r\n")

    def _list(self, say, first):
        uids = [u for u in sorted(self.messages) if u >= first]
        if self.how == "unordered":
            uids = uids[::-1] + uids[:2] + [4294967295][:0]
        if not uids and self.messages:
            uids = [max(self.messages)]
        for uid in uids:
            size = 10 if self.how in ("lies", "literal") else len(self.messages[uid])
            say(f"* 7 FETCH (UID {uid} RFC822.SIZE {size})\r\n* 3 EXISTS\r\n* 5 FETCH (FLAGS (\\Seen))\r\n")
