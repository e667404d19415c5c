#!/usr/bin/env python3
"""Holds the sources against the floor plan: includes, library rooms, sizes, names, and the few habits a compiler does not check; the pages
against their links; and what docs/operations.md tells of log lines and alarms against those that there are.

  lint.py SOURCE_ROOT     prints file:line: message for each fault; exit 1 if there is one
  lint.py --self-test     each rule reports its fault in a tree made for it

Exceptions stand in tests/lint/exceptions.txt, one a line: RULE PATH REASON. The list may only shrink: its first line names its
length, an exception that nothing needs any more is a fault, and so is one without a reason.
"""
import os
import re
import sys
import tempfile

# floor, and what a folder may include beside itself; "certs/model" names one room of a folder
FLOORS = {
    "base": [],
    "mail": ["base/core"],
    "receipts": ["base/core"],
    "smtp": ["base", "mail"],
    "certs": ["base", "mail"],
    "policies": ["base/core", "mail", "certs/model", "demail/model"],
    "crypto": ["base/core", "mail", "certs/model"],
    "demail": ["base/core", "mail", "certs"],
    "gateway": ["base", "mail", "receipts", "smtp", "certs", "policies", "crypto", "demail"],
    "simulator": ["base", "mail", "smtp", "certs", "demail"],
    "tests": ["base", "mail", "receipts", "smtp", "certs", "policies", "crypto", "demail", "gateway", "simulator", "tests"],
}
# inside a folder: rooms of one step do not see each other, later steps see earlier ones
STEPS = {
    "base": [["core"], ["net"]],
    "mail": [["address"], ["message"], ["report"]],
    "smtp": [["wire"], ["server", "client"]],
    "certs": [["model"], ["verify"], ["find"]],
    "policies": [["engine"], ["lang"]],
    "demail": [["model"], ["integrity"], ["evidence"]],
    "crypto": [["smime", "openpgp", "seal"], ["protect"]],
    "receipts": [["log"], ["proof"], ["verify"]],
    "simulator": [["model"], ["sign"], ["issue"], ["provider"], ["doors"], ["app"]],
    "gateway": [["options"], ["store", "carriers"], ["pipeline"], ["web"], ["config"], ["app"]],
}
# rooms that see less than their folder
NARROW = {"certs/model": ["base/core", "mail"], "demail/model": ["base/core", "mail"], "base/core": []}

# (header, where it may stand: path prefixes, may a header of ours include it: all, none, those below a prefix)
LIBRARIES = [
    (r"boost/asio\.hpp", [], False),
    (r"boost/asio/(impl|ssl/impl)/src\.hpp", ["base/net/"], False),
    (r"boost/asio/ssl.*", ["base/net/"], False),
    (r"boost/asio/.*", ["base/net/", "smtp/server/session", "smtp/client/session", "smtp/server/", "smtp/client/", "gateway/", "simulator/"], True),
    (r"boost/beast.*", ["gateway/web/"], False),
    (r"boost/json.*", ["receipts/", "gateway/"], "gateway/web/"),  # which hands objects to gateway/app
    (r"toml\+\+/.*|toml\.hpp", ["policies/lang/", "gateway/config/"], False),
    (r"spdlog/.*", ["base/core/log.cpp"], False),
    (r"fmt/.*", ["base/core/log.cpp"], False),
    (r"re2/.*", ["policies/engine/"], False),
    (r"gpgme\.h", ["crypto/openpgp/"], False),
    (r"openssl/ssl\.h", ["base/net/"], False),
    (r"openssl/cms\.h", ["crypto/smime/", "simulator/sign/"], False),
    (r"openssl/(evp|hmac)\.h", ["base/core/digest.cpp", "base/net/", "crypto/smime/", "certs/", "simulator/"], False),
    (r"openssl/(err|rsa|x509)\.h", ["base/core/digest.cpp", "base/net/", "crypto/smime/", "certs/", "simulator/"], False),  # digest: keys alone
    (r"openssl/.*", ["base/net/", "crypto/smime/", "certs/", "simulator/"], False),
    (r"sodium\.h", ["base/core/", "crypto/seal/", "receipts/"], False),
    (r"sqlite3\.h", ["gateway/store/"], False),
    (r"libpq-fe\.h", ["gateway/store/"], False),
    (r"curl/.*|unbound\.h|ldap\.h", ["base/net/"], False),
    (r"mimetic/.*", ["mail/"], False),
    (r"idn2\.h", ["mail/address/"], False),
    (r"xmlsec/.*|libxml/.*", ["demail/evidence/", "simulator/"], False),
    (r"CLI/.*", ["gateway/app/"], False),
    (r"systemd/.*", ["base/core/log.cpp", "gateway/app/"], False),
]
ENGINES = re.compile(r"^(smtp/wire/|smtp/(server|client)/engine|mail/|policies/|demail/|receipts/|crypto/)")  # no Asio, whatever else
FILES = re.compile(r"^(fstream|filesystem|fcntl\.h|sys/stat\.h)$")                                          # not in mail
WORDS = [(re.compile(p, re.I), w) for p, w in (
    (r"\bTO" r"DO\b", "TO" "DO"), (r"\bFIX" r"ME\b", "FIX" "ME"), (r"\bst" r"ub(s|bed)?\b", "st" "ub"),
    (r"\bnot imple" r"mented\b", "not imple" "mented"), (r"[\"' ]/(root|home)/", "a path of one machine"))]
VAGUE = {"util", "utils", "common", "misc", "helper", "helpers"}
SOURCE_LINES, HEADER_LINES, FUNCTION_LINES = 600, 300, 60


def strip(text):
    """Comments, strings and characters become blanks; lines stay where they are."""
    pattern = re.compile(r'R"([^()\\ ]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/', re.S)
    return pattern.sub(lambda m: '""' + re.sub(r"[^\n]", " ", m.group())[2:] if m.group()[0] != "/" else re.sub(r"[^\n]", " ", m.group()), text)


def anchor(heading):
    """How a heading is named in a link: GitHub's rule."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class Lint:
    def __init__(self, root):
        self.root = root
        self.faults = []    # (rule, path, line, message)
        self.included = {}  # our header: the files that include it
        self.foreign = []   # (header of ours, line, header of a library that must not leave the room)
        self.events = {}    # what the log can say: (path, line) of its constant

    def fault(self, rule, path, line, message):
        self.faults.append((rule, path, line, message))

    def files(self):
        for top in FLOORS:
            for where, folders, names in os.walk(os.path.join(self.root, top)):
                folders[:] = sorted(f for f in folders if f not in ("data", "build", "__pycache__"))
                for name in sorted(names):
                    if name.endswith((".cpp", ".hpp", ".h", ".cc", ".cxx")):
                        yield os.path.relpath(os.path.join(where, name), self.root)

    def run(self):
        for path in self.files():
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
                text = f.read()
            code = strip(text)
            self.names(path)
            self.includes(path, text)
            self.sizes(path, text)
            self.functions(path, code)
            self.awaits(path, code)
            self.habits(path, text, code)
            self.log_lines(path, text)
        self.leaks()
        self.links()
        self.operations()
        return self.exceptions()

    def pages(self):
        yield from (name for name in sorted(os.listdir(self.root)) if name.endswith(".md"))
        for top in ("docs", "tests", "systemd", "packaging", "policies"):
            for where, folders, names in os.walk(os.path.join(self.root, top)):
                folders.sort()
                yield from (os.path.relpath(os.path.join(where, name), self.root) for name in sorted(names) if name.endswith(".md"))

    def text_of(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
            return re.sub(r"```.*?```", lambda m: "\n" * m.group(0).count("\n"), f.read(), flags=re.S)

    def links(self):
        """A page leads to files of ours, and to headings, that are there."""
        for path in self.pages():
            for number, line in enumerate(self.text_of(path).split("\n"), 1):
                for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
                    if re.match(r"[a-z]+:", target):
                        continue
                    file, _, heading = target.partition("#")
                    there = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
                    if not os.path.exists(os.path.join(self.root, there)):
                        self.fault("link", path, number, f"{target} leads nowhere")
                    elif heading and heading not in {anchor(h) for h in re.findall(r"^#+ (.*)$", self.text_of(there), re.M)}:
                        self.fault("link", path, number, f"{there} has no heading for #{heading}")

    def log_lines(self, path, text):
        if path.startswith(("tests/", "simulator/")):
            return
        for number, line in enumerate(text.split("\n"), 1):
            for event in re.findall(r'\bEvent \w+\{"([^"]+)"\}', line):
                self.events.setdefault(event, (path, number))

    def operations(self):
        """The administrator finds each log line and each alarm on his page, and on it none that cannot come."""
        page, rules = "docs/operations.md", "packaging/monitoring/alerts.yml"
        if not os.path.exists(os.path.join(self.root, page)):
            return
        alarms = {}
        if os.path.exists(os.path.join(self.root, rules)):
            for number, line in enumerate(self.text_of(rules).split("\n"), 1):
                for alarm in re.findall(r"- alert: (\w+)", line):
                    alarms[alarm] = (rules, number)
        told, section = {}, ""
        for number, line in enumerate(self.text_of(page).split("\n"), 1):
            section = line[3:] if line.startswith("## ") else section
            if line.startswith("| `"):
                for word in re.findall(r"`([^`]+)`", line.split("|")[1]):
                    if section == "Log lines" or re.fullmatch(r"Amtsbote\w+", word):
                        told[word] = (page, number)
        there = {**self.events, **alarms}
        for word in sorted(set(there) - set(told)):
            self.fault("operations", *there[word], f"{word} does not stand in {page}")
        for word in sorted(set(told) - set(there)):
            self.fault("operations", *told[word], f"there is no {word}")

    def leaks(self):
        """A library stands in headers only that no other room sees, directly or through another header."""
        for header, line, library in self.foreign:
            room = os.path.dirname(header)
            seen, todo = set(), [header]
            while todo:
                for user in self.included.get(todo.pop(), ()):
                    if user not in seen:
                        seen.add(user)
                        todo.append(user)
            strangers = sorted(u for u in seen if os.path.dirname(u) != room and not u.startswith("tests/"))
            if strangers:
                self.fault("library", header, line, f"<{library}> reaches {strangers[0]}: no header of a room shows a library to others")

    def names(self, path):
        if not re.fullmatch(r"[a-z][a-z0-9_]*\.(cpp|hpp)", os.path.basename(path)):
            self.fault("name", path, 1, "files are snake_case.hpp or snake_case.cpp")
        for part in path.replace(".", "/").split("/"):
            if part in VAGUE:
                self.fault("name", path, 1, f'"{part}" says nothing: name the room after what it does')

    def includes(self, path, text):
        for number, line in enumerate(text.split("\n"), 1):
            m = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if m is None:
                continue
            if m.group(1) == '"':
                self.own_include(path, number, m.group(2))
            else:
                self.library(path, number, m.group(2))

    def own_include(self, path, line, target):
        here, there = path.split("/"), target.split("/")
        if there[0] not in FLOORS or not os.path.exists(os.path.join(self.root, target)):
            return self.fault("include", path, line, f'"{target}": includes start at the root of the sources')
        self.included.setdefault(target, set()).add(path)
        room, other = "/".join(here[:2]), "/".join(there[:2])
        if here[0] == there[0]:
            # a folder has one list of error codes; it includes nothing of the folder
            if os.path.basename(target) == "errors.hpp":
                return None
            if here[0] != "tests" and room != other and not self.is_step_down(here[0], here[1], there[1]):
                self.fault("floor", path, line, f"{room} does not see {other}")
            return
        allowed = NARROW.get(room, FLOORS[here[0]])
        if there[0] not in allowed and other not in allowed:
            self.fault("floor", path, line, f"{room} does not see {other}")

    @staticmethod
    def is_step_down(folder, room, other):
        steps = STEPS.get(folder, [])
        at = {name: i for i, step in enumerate(steps) for name in step}
        return room in at and other in at and at[other] < at[room]

    def library(self, path, line, header):
        if path.startswith("tests/"):
            return
        if path.startswith("mail/") and FILES.match(header):
            self.fault("library", path, line, f"<{header}>: mail knows no files")
        if ENGINES.match(path) and header.startswith("boost/asio"):
            return self.fault("library", path, line, f"<{header}>: this room does no I/O")
        for pattern, places, in_headers in LIBRARIES:
            if re.fullmatch(pattern, header) is None:
                continue
            if not any(path.startswith(p) for p in places):
                self.fault("library", path, line, f"<{header}> belongs to " + (", ".join(places) or "nobody"))
            elif path.endswith(".hpp") and not (in_headers is True or (in_headers and path.startswith(in_headers))):
                self.foreign.append((path, line, header))
            return
        if "/" in header and not header.startswith(("sys/", "arpa/", "netinet/", "linux/", "net/", "ext/")):
            self.fault("library", path, line, f"<{header}> is of no library that the house has")

    def sizes(self, path, text):
        limit = HEADER_LINES if path.endswith(".hpp") else SOURCE_LINES
        lines = text.count("\n")
        if lines > limit:
            self.fault("size", path, limit + 1, f"{lines} lines, at most {limit}")

    def functions(self, path, code):
        stack = []          # (is function, first line)
        head, head_line, line = "", 1, 1
        depth = 0           # of functions around us
        for c in code:
            if c == "{":
                is_function = depth == 0 and self.opens_function(head)
                stack.append((is_function, head_line))
                depth += is_function
                head = ""
            elif c == "}":
                if stack:
                    is_function, first = stack.pop()
                    depth -= is_function
                    if is_function and line - first + 1 > FUNCTION_LINES:
                        self.fault("function", path, first, f"a function of {line - first + 1} lines, at most {FUNCTION_LINES}")
                head = ""
            elif c == ";":
                head = ""
            elif c == "\n":
                line += 1
                head += " "
            else:
                if not head.strip():
                    head_line = line
                head += c

    @staticmethod
    def opens_function(head):
        head = re.sub(r"(^|\s)#[^\n]*", " ", head).strip()
        if ")" not in head or re.match(r"(namespace|enum|extern)\b", head):
            return False
        if re.match(r"(template\s*<[^{]*>\s*)?(class|struct|union)\b", head) and not head.endswith((")", "const", "noexcept", "override")):
            return False
        return re.search(r"=\s*$", head) is None

    def awaits(self, path, code):
        for m in re.finditer(r"\bco_await\b", code):
            line = code.count("\n", 0, m.start()) + 1
            before = code[:m.start()]
            statement = before[max(before.rfind(c) for c in ";{}") + 1:]
            left = statement.rstrip()
            starts = left == "" or left.endswith((":", "else")) or (left.endswith(")") and re.match(r"\s*(if|for|while|else)\b", statement))
            assigned = re.search(r"(^|[^=!<>])=$", left) is not None or left.endswith("co_return")
            if not (starts or assigned) or left.count("(") > left.count(")"):
                self.fault("co_await", path, line, "co_await stands after =, after co_return, or at the start of a statement")

    def habits(self, path, text, code):
        if path.endswith(".hpp") and "#pragma once" not in text:
            self.fault("habit", path, 1, "a header has #pragma once")
        for number, line in enumerate(code.split("\n"), 1):
            if re.match(r"\s*#\s*define\b", line):
                self.fault("habit", path, number, "no macros")
            if re.search(r"\busing namespace std\s*;", line):
                self.fault("habit", path, number, "using namespace std")
        for number, line in enumerate(text.split("\n"), 1):
            for pattern, word in WORDS:
                if pattern.search(line):
                    self.fault("word", path, number, f"{word} does not stand in sources")

    def exceptions(self):
        """Takes the excepted faults away; what is wrong with the list itself is a fault."""
        path = "tests/lint/exceptions.txt"
        full = os.path.join(self.root, path)
        lines = open(full, encoding="utf-8").read().split("\n") if os.path.exists(full) else ["at most 0"]
        wrong, excepted = [], {}
        m = re.fullmatch(r"at most (\d+)", lines[0])
        for number, line in enumerate(lines[1:], 2):
            if not line.strip() or line.startswith("#"):
                continue
            parts = line.split(None, 2)
            if len(parts) < 3:
                wrong.append(("exception", path, number, "an exception is RULE PATH REASON"))
            excepted[tuple(parts[:2])] = number
        if m is None or int(m.group(1)) != len(excepted):
            wrong.append(("exception", path, 1, f'the first line is "at most {len(excepted)}", and never grows'))
        needed = {(rule, where) for rule, where, _, _ in self.faults}
        for key, number in excepted.items():
            if key not in needed:
                wrong.append(("exception", path, number, f"{' '.join(key)} is no longer needed: take it out"))
        return [f for f in self.faults if (f[0], f[1]) not in excepted] + wrong


def check(root):
    faults = Lint(root).run()
    for rule, path, line, message in faults:
        print(f"{path}:{line}: {message} [{rule}]")
    return 1 if faults else 0


GOOD = {
    "base/core/bytes.hpp": "#pragma once\nnamespace base {}\n",
    "base/net/tcp.hpp": "#pragma once\n#include <boost/asio/ip/tcp.hpp>\n",
    "smtp/client/session.cpp": '#include "base/net/tcp.hpp"\nawaitable f() {\n  co_await g();\n  auto x = co_await g();\n'
                               "  if (x) co_await g();\n  co_return co_await g();\n}\n",
    "receipts/log/leaf.cpp": '#include <boost/json.hpp>\n#include "base/core/bytes.hpp"\n// it said "co_await" and f(co_await x)\n',
    "receipts/log/leaf.hpp": "#pragma once\n",
    "receipts/log/inner.hpp": "#pragma once\n#include <boost/json.hpp>\n",
    "receipts/log/inner.cpp": '#include "receipts/log/inner.hpp"\n',
    "receipts/log/outer.hpp": '#pragma once\n#include "receipts/log/leaf.hpp"\n',
    "README.md": "[a](docs/a.md), [b](docs/a.md#two-words-more), [c](https://example.org/x), `[d](nowhere)`\n```\n[e](nowhere)\n```\n",
    "docs/a.md": "# A\n## Two words, more\n[up](../README.md) [here](#a)\n",
    "gateway/app/main.cpp": '#include "receipts/log/outer.hpp"\nconstexpr base::log::Event k_event{"daemon.ready"};\n',
    "docs/operations.md": "## Log lines\n| `daemon.ready` | it is |\n## Alarms\n| `amtsbote_up` | 1 |\n| `AmtsboteDown` | it is |\n",
    "packaging/monitoring/alerts.yml": "      - alert: AmtsboteDown\n",
}
BAD = [  # rule, file, text
    ("floor", "mail/message/a.cpp", '#include "base/net/tcp.hpp"\n'),
    ("floor", "base/core/a.cpp", '#include "base/net/tcp.hpp"\n'),
    ("floor", "receipts/log/a.cpp", '#include "receipts/proof/p.hpp"\n'),
    ("floor", "gateway/store/a.cpp", '#include "tests/t.hpp"\n'),
    ("include", "receipts/log/a.cpp", '#include "leaf.hpp"\n'),
    ("library", "mail/message/a.cpp", "#include <boost/json.hpp>\n"),
    ("library", "mail/message/a.cpp", "#include <fstream>\n"),
    ("library", "receipts/log/leaf.hpp", "#pragma once\n#include <boost/json.hpp>\n"),
    ("library", "smtp/server/engine.cpp", "#include <boost/asio/post.hpp>\n"),
    ("library", "gateway/app/a.cpp", "#include <boost/asio.hpp>\n"),
    ("library", "gateway/app/a.cpp", "#include <unknown/thing.hpp>\n"),
    ("size", "base/core/a.hpp", "#pragma once\n" + "\n" * 300),
    ("size", "base/core/a.cpp", "\n" * 601),
    ("function", "base/core/a.cpp", "namespace a {\nint f(int x) {\n" + "  if (x) {\n  }\n" * 30 + "}\n}\n"),
    ("co_await", "smtp/server/a.cpp", "void f() {\n  g(co_await h());\n}\n"),
    ("co_await", "smtp/server/a.cpp", "void f() {\n  if (auto x = co_await h(); x) g();\n}\n"),
    ("co_await", "smtp/server/a.cpp", "void f() {\n  return x == co_await h();\n}\n"),
    ("name", "base/core/Bytes.cpp", ""),
    ("name", "base/core/util.cpp", ""),
    ("name", "base/core/a.cc", ""),
    ("habit", "base/core/a.hpp", "int x;\n"),
    ("habit", "base/core/a.cpp", "#define X 1\n"),
    ("word", "base/core/a.cpp", "// TO" "DO later\n"),
    ("word", "base/core/a.cpp", 'auto x = "not imple' 'mented";\n'),
    ("operations", "gateway/app/a.cpp", 'constexpr base::log::Event k_event_lost{"daemon.lost"};\n'),
    ("operations", "docs/operations.md", "## Log lines\n| `daemon.ready`, `daemon.old` (warning) | it is |\n| `AmtsboteDown` | it is |\n"),
    ("operations", "packaging/monitoring/alerts.yml", "      - alert: AmtsboteDown\n      - alert: AmtsboteNew\n"),
    ("link", "docs/b.md", "[a](a.txt)\n"),
    ("link", "docs/b.md", "[a](a.md#three)\n"),
    ("link", "docs/beside/b.md", "[a](a.md)\n"),
    ("exception", "tests/lint/exceptions.txt", "at most 1\nsize base/core/bytes.hpp no longer true\n"),
    ("exception", "tests/lint/exceptions.txt", "at most 3\n"),
    ("exception", "tests/lint/exceptions.txt", "at most 1\nsize base/core/bytes.hpp\n"),
]


def write(root, path, text):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as f:
        f.write(text)


def self_test():
    failures = 0
    cases = [(None, None, None)] + BAD
    for rule, path, text in cases:
        with tempfile.TemporaryDirectory() as root:
            for good, content in GOOD.items():
                write(root, good, content)
            write(root, "receipts/proof/p.hpp", "#pragma once\n")
            write(root, "tests/t.hpp", "#pragma once\n")
            if path is not None:
                write(root, path, text)
            found = Lint(root).run()
            expected = [] if rule is None else [(rule, path)]
            if sorted({(f[0], f[1]) for f in found}) != expected:
                print(f"self-test: {rule} {path}: found {found}")
                failures += 1
    with tempfile.TemporaryDirectory() as root:
        write(root, "base/core/a.cpp", "#define X 1\n")
        write(root, "tests/lint/exceptions.txt", "at most 1\nhabit base/core/a.cpp a library wants it\n")
        if Lint(root).run():
            print("self-test: an exception that is needed was not taken")
            failures += 1
    print(f"self-test: {len(cases) + 1} cases, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__)
        sys.exit(2)
    sys.exit(self_test() if sys.argv[1] == "--self-test" else check(sys.argv[1]))
