#!/bin/bash
# lifecycle.sh NEW.deb OLD.deb: the package on a bare Debian machine, booted with systemd: docs/first-message.md to the letter, the unit's
# life (reload, stop, kill -9), people of both groups, gpg inside the sandbox, docs/operations.md to the letter where it tells of a restore,
# upgrade with mail in the queue, one that fails and the way back, remove, purge. As root. The machine has no
# network but its own loopback; packages are fetched before it boots.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/package/machine.sh
. "$here/machine.sh"
new=$(realpath "$1") old=$(realpath "$2")
work=${TEST_PACKAGE_DIR:-/var/tmp/amtsbote-test-package}
mkdir -p "$work"
trap machine_end EXIT

say "a bare machine"
machine_make "$work/machine"
mkdir -p "$machine_root/root/new" "$machine_root/root/old"
cp "$new" "$machine_root/root/new/"
cp "$old" "$machine_root/root/old/"
machine_chroot apt-get update -q > "$work/apt.log" 2>&1
machine_chroot sh -c 'apt-get install -y -q --no-install-recommends --download-only /root/new/amtsbote_*.deb openssl python3-aiosmtpd' >> "$work/apt.log" 2>&1 ||
  fail "packages: $(tail -5 "$work/apt.log")"
machine_boot
[ ! -e "$machine_root/etc/amtsbote" ] || fail "not bare"

pid_of() { inside systemctl show -P MainPID amtsbote; }
is_active() { inside systemctl is-active -q amtsbote; }
another_pid() { is_active && [ "$(pid_of)" != "$1" ] && [ "$(pid_of)" != 0 ]; }
queue_is_empty() { inside amtsbote queue list --json | grep -q '"messages":\[\]'; }
retry_all() { inside sh -c "amtsbote queue list --json | grep -o '\"mid\":\"[0-9A-Z]*\"' | cut -d'\"' -f4 | while read -r mid; do amtsbote queue retry \$mid; done"; }
letters() { inside sh -c 'ls /root/trial/praxis-mail/new | wc -l'; }
has_letters() { [ "$(letters)" -ge "$1" ]; }
# a next hop that was away is tried again only after a while
arrives() { retry_all > /dev/null 2>&1 || true; has_letters "$1"; }
send() { inside sh -c "cd /root/trial && (cat password; echo 'Zeichen $1') | amtsbote send --account poststelle --password-stdin --from poststelle@stadt.example --to ${2:-praxis@partner.example} --subject 'Probe $1'"; }
# the partner's mail server outlives the shell that started it, as it does for a reader of the page
sink_start() { inside systemd-run -q --unit praxis -p WorkingDirectory=/root/trial python3 -m aiosmtpd -n -l 127.0.0.1:2525 -c aiosmtpd.handlers.Mailbox praxis-mail; until_true "the partner listens" 30 inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/2525'; }
sink_stop() { inside systemctl stop praxis; }

say "the page, to the letter"
begin=$(date +%s)
blocks_of "$here/../../docs/first-message.md" > "$machine_root/root/new/page.sh"
[ "$(wc -l < "$machine_root/root/new/page.sh")" -gt 20 ] || fail "the page has no blocks"
INSIDE_TIME=300 inside bash -c 'cd /root/new && bash -eux ./page.sh' > "$work/page.log" 2>&1 < /dev/null || { tail -30 "$work/page.log"; fail "the page"; }
grep -q 'Ihr Befund liegt bereit' "$machine_root/root/trial/plain.txt" || fail "the letter is not readable"
grep -q 'refused, as it should be' "$work/page.log" || fail "nothing was refused"
! grep -rq 'Ihr Befund' "$machine_root/root/trial/praxis-mail" || fail "the letter left in clear"
printf 'from apt-get install to the opened letter: %d s\n' $(( $(date +%s) - begin ))
# the page's own server; the brackets keep this very shell out
inside sh -c 'for p in /proc/[0-9]*; do tr "\0" " " < $p/cmdline 2> /dev/null | grep -q "aiosmtp[d] -n" && kill "${p#/proc/}"; done; true'
sink_start

say "the unit"
inside systemctl is-enabled -q amtsbote || fail "not enabled"
[ "$(inside systemctl show -P User amtsbote)" = amtsbote ] || fail "wrong user"
inside sh -c 'grep -q "^Uid:.$(id -u amtsbote)" /proc/$(systemctl show -P MainPID amtsbote)/status' || fail "it does not run as amtsbote"
! inside find /var/lib/amtsbote -not -user amtsbote | grep -q . || fail "state of somebody else: $(inside find /var/lib/amtsbote -not -user amtsbote)"
inside systemd-analyze verify --man=no amtsbote.service amtsbote-submission.socket
for unit in $(inside sh -c 'cd /lib/systemd/system && ls -d amtsbote*.service amtsbote*.socket'); do inside systemd-analyze security --offline=yes --no-pager "/lib/systemd/system/$unit" | tail -1; done
inside sh -c 'tr "\0" "\n" < /proc/$(systemctl show -P MainPID amtsbote)/environ' | grep -q CREDENTIALS_DIRECTORY || fail "no credentials"

say "who administers, who audits, and by which name"
inside useradd -M -N -G amtsbote anna
inside useradd -M -N -G amtsbote-audit revision
inside useradd -M -N fremd
inside install -d -o revision /srv/revision
as() { local user=$1; shift; inside setpriv --reuid "$user" --regid nogroup --init-groups "$@"; }
as anna amtsbote queue list > /dev/null || fail "a member of the group may not administer"
as revision amtsbote receipts search --recipient praxis@partner.example --json > "$work/found.json" || fail "an auditor finds nothing"
mid=$(grep -o '"mid":"[0-9A-Z]*"' "$work/found.json" | head -1 | cut -d'"' -f4)
as revision amtsbote receipts show "$mid" > /dev/null || fail "an auditor may not look"
as revision amtsbote receipts prove -o /srv/revision/one "$mid" > /dev/null || fail "an auditor gets no proofs"
as revision amtsbote receipts verify --vkey /srv/revision/one/log.vkey "/srv/revision/one/$mid.receipts.json" > /dev/null || fail "the proofs do not verify"
for words in 'queue list' 'keys list' 'users list' 'reload'; do
  # shellcheck disable=SC2086
  ! as revision amtsbote $words > "$work/refused.log" 2>&1 || fail "an auditor may: $words"
  grep -q 'not for auditors' "$work/refused.log" || fail "an auditor does not hear why: $(cat "$work/refused.log")"
done
! as fremd amtsbote status > "$work/refused.log" 2>&1 || fail "anybody may look"
grep -q 'members of the group amtsbote' "$work/refused.log" || fail "a stranger does not hear who may: $(cat "$work/refused.log")"
for who in anna revision; do
  inside journalctl -u amtsbote --no-pager | grep -q "\"control.command\".*\"who\":\"$who (uid" || fail "the log does not name $who"
done
inside journalctl -u amtsbote --no-pager | grep -q '"control.open".*"auditors":"amtsbote-audit"' || fail "the log does not say who audits"

say "a backup from inside the sandbox"
inside amtsbote store backup /var/backups/amtsbote/one > /dev/null || fail "no backup"
inside test -s /var/backups/amtsbote/one/backup.json || fail "the backup is not whole"
! inside amtsbote store backup /root/one > "$work/refused.log" 2>&1 || fail "it writes into root's home"
grep -q '/var/backups/amtsbote' "$work/refused.log" || fail "nobody hears where a backup may lie: $(cat "$work/refused.log")"
! inside amtsbote serve > "$work/refused.log" 2>&1 || fail "root runs a daemon in the state directory of amtsbote"
grep -q 'belongs to the user amtsbote' "$work/refused.log" || fail "root does not hear why: $(cat "$work/refused.log")"

say "reload: a good one and a bad one"
before=$(inside amtsbote status --json | grep -o '"config":"[^"]*"')
inside sh -c 'echo "# a change" >> /etc/amtsbote/policies/10-first.toml'
inside systemctl reload amtsbote
until_true "the new version is in force" 20 inside sh -c "amtsbote status --json | grep -o '\"config\":\"[^\"]*\"' | grep -vqx '$before'"
inside sh -c 'cp /etc/amtsbote/amtsbote.toml /root/good.toml; echo "nonsense = 1" >> /etc/amtsbote/amtsbote.toml'
! inside systemctl reload amtsbote 2> /dev/null || fail "a reload with faults looks good"
until_true "the bad one is refused" 20 inside sh -c 'journalctl -u amtsbote --no-pager | grep -q "daemon.reload.*refused"'
is_active || fail "a bad reload ended it"
# also where it is no TOML any more: the daemon that serves on answers
inside sh -c 'echo "[[[" >> /etc/amtsbote/amtsbote.toml'
! inside amtsbote reload > "$work/reload.log" 2>&1 || fail "a reload without a configuration looks good"
grep -q 'refused; still active' "$work/reload.log" || fail "nobody hears what became of the reload: $(cat "$work/reload.log")"
inside amtsbote queue list > /dev/null || fail "a broken configuration locks people out"
inside amtsbote status --nagios | grep -q '^AMTSBOTE OK' || fail "the plugin: $(inside amtsbote status --nagios)"
inside sh -c 'cat /root/good.toml > /etc/amtsbote/amtsbote.toml'
send nach-reload | grep -q ' 250 ' || fail "no mail after a reload"
until_true "it arrives" 30 arrives 2

say "OpenPGP: gpg and its agent inside the sandbox"
inside sh -c 'cd /root/trial && mkdir -p -m 700 gnupg && export GNUPGHOME=/root/trial/gnupg && gpg -q --batch --passphrase "" --quick-gen-key pgp@partner.example rsa3072 cert,sign never && \
  gpg -q --batch --passphrase "" --quick-add-key "$(gpg --list-keys --with-colons | awk -F: "/^fpr/ { print \$10; exit }")" rsa3072 encr never && gpg -q --armor --export pgp@partner.example > pgp.asc'
inside amtsbote keys generate poststelle@stadt.example --name Poststelle
inside amtsbote keys import /root/trial/pgp.asc
send openpgp pgp@partner.example | grep -q ' 250 ' || fail "no mail to an OpenPGP key"
until_true "it arrives" 60 arrives 3
inside sh -c 'cd /root/trial && GNUPGHOME=/root/trial/gnupg gpg -q --batch -d "$(grep -l "PGP MESSAGE" praxis-mail/new/*)" 2> /dev/null; true' | grep 'Zeichen openpgp' > /dev/null || fail "gpg cannot open it"

say "kill -9: it comes back by itself, and keeps what it acknowledged"
sink_stop
send vor-kill | grep -q ' 250 ' || fail "not accepted"
pid=$(pid_of)
inside sh -c "kill -9 $pid"
until_true "another process" 60 another_pid "$pid"
sink_start
until_true "what was acknowledged arrives" 120 arrives 4

say "stop, and a socket that waits for the next start"
inside systemctl stop amtsbote
[ "$(inside systemctl show -P Result amtsbote)" = success ] || fail "no clean stop"
inside amtsbote check | grep -q '^good' || fail "check stumbles over the socket that systemd holds: $(inside amtsbote check)"
send aus-dem-socket | grep -q ' 250 ' || fail "the socket did not start it"
is_active || fail "not started by its socket"
until_true "it arrives" 60 arrives 5

say "a restore, by the page"
page="$here/../../docs/operations.md"
part() { awk -v part="## $1" '/^## / { on = $0 == part } on' "$page" > "$work/part.md"; sed -i 's/^   //' "$work/part.md"; blocks_of "$work/part.md"; }
part Backup > "$machine_root/root/new/backup.sh"
part Restore > "$machine_root/root/new/restore.sh"
grep -q 'store backup' "$machine_root/root/new/backup.sh" && grep -q 'tar xzf' "$machine_root/root/new/restore.sh" || fail "the page has no blocks"
sink_stop
send vor-sicherung | grep -q ' 250 ' || fail "not accepted"
inside bash -eux /root/new/backup.sh > "$work/backup.log" 2>&1 || fail "backup: $(tail -5 "$work/backup.log")"
# the disk is lost: configuration and secrets as well
inside systemctl stop 'amtsbote-*.socket' amtsbote
inside sh -c 'rm -rf /etc/amtsbote /var/lib/amtsbote/*'
inside bash -eux /root/new/restore.sh > "$work/restore.log" 2>&1 || fail "restore: $(tail -8 "$work/restore.log")"
inside systemctl reset-failed 'amtsbote*'
inside systemctl start amtsbote-submission.socket amtsbote || fail "it does not start: $(inside journalctl -u amtsbote --no-pager | tail -3)"
! queue_is_empty || fail "the queue was lost"
count=$(letters)
sink_start
until_true "what was queued arrives" 60 arrives $((count + 1))
send nach-sicherung pgp@partner.example | grep -q ' 250 ' || fail "no mail after a restore"
until_true "it arrives" 60 arrives $((count + 2))
inside sh -c 'rm -rf /var/lib/amtsbote.lost /var/backups/amtsbote/today'

say "remove keeps, purge takes away"
inside apt-get remove -y -q amtsbote > "$work/remove.log" 2>&1 || fail "remove: $(tail -5 "$work/remove.log")"
inside test -e /var/lib/amtsbote/store.sqlite || fail "a removal took the state away"
inside test -e /etc/amtsbote/amtsbote.toml || fail "a removal took the configuration away"
! is_active || fail "it still runs"
inside sh -c 'cd /root/new && apt-get install -y -q --no-install-recommends ./amtsbote_*.deb' > "$work/again.log" 2>&1 || fail "again: $(tail -5 "$work/again.log")"
until_true "it runs again, on the port that was enabled" 30 is_active
inside systemctl is-active -q amtsbote-submission.socket || fail "the enabled socket stayed closed"
inside amtsbote receipts search --recipient praxis@partner.example > /dev/null || fail "the receipts are gone"
inside apt-get purge -y -q amtsbote > "$work/purge.log" 2>&1 || fail "purge: $(tail -5 "$work/purge.log")"
inside test -s /var/backups/amtsbote/one/backup.json || fail "a purge took a backup away"
inside rm -rf /var/backups/amtsbote
for path in /var/lib/amtsbote /etc/amtsbote /run/amtsbote; do inside test ! -e $path || fail "a purge left $path"; done
! inside sh -c 'find / -xdev \( -name "*amtsbote*" -o -lname "*amtsbote*" \) -not -path "/root/*" -not -path "/var/log/*" -not -path "/proc/*" -not -path "/var/cache/*" | grep .' || fail "left over"

say "the previous build, then an upgrade with mail in the queue"
inside sh -c 'cd /root/old && apt-get install -y -q --no-install-recommends ./amtsbote_*.deb' > "$work/old.log" 2>&1 || fail "old: $(tail -5 "$work/old.log")"
inside sh -c 'cd /root/trial && amtsbote init --domain stadt.example --next-hop 127.0.0.1:2525 --password-stdin < password' > /dev/null
inside systemctl enable -q --now amtsbote-submission.socket
inside systemctl start amtsbote
inside amtsbote keys import --trusted /root/trial/praxis.pem
sink_stop
send vor-upgrade | grep -q ' 250 ' || fail "not accepted"
inside amtsbote queue list
pid=$(pid_of)
inside sh -c 'cd /root/new && apt-get install -y -q --no-install-recommends ./amtsbote_*.deb' > "$work/upgrade.log" 2>&1 || fail "upgrade: $(tail -5 "$work/upgrade.log")"
inside dpkg-query -W -f '${Version}\n' amtsbote
until_true "the new program runs" 60 another_pid "$pid"
count=$(letters)
sink_start
until_true "the mail in the queue arrives" 120 arrives $((count + 1))
until_true "the queue is empty" 60 queue_is_empty
inside journalctl -u amtsbote --no-pager -p err | grep -v '^--' | head -5

say "an upgrade that fails, and the way back"
broken=$work/broken
rm -rf "$broken" && dpkg-deb -R "$new" "$broken"
sed -i 's/^Version: .*/&+broken/' "$broken/DEBIAN/control"
printf '#!/bin/sh\necho "cannot start: it is broken" >&2\nexit 2\n' > "$broken/usr/bin/amtsbote"
mkdir -p "$machine_root/root/broken"
dpkg-deb --root-owner-group -b "$broken" "$machine_root/root/broken/amtsbote_broken.deb" > /dev/null
sink_stop
send vor-fehlschlag | grep -q ' 250 ' || fail "not accepted"
inside bash -eux /root/new/backup.sh > "$work/backup.log" 2>&1 || fail "backup: $(tail -5 "$work/backup.log")"
inside sh -c 'cd /root/broken && apt-get install -y -q ./amtsbote_broken.deb' > "$work/broken.log" 2>&1 || fail "apt does not take it: $(tail -3 "$work/broken.log")"
until_true "it stays down" 60 inside systemctl is-failed -q amtsbote
inside journalctl -u amtsbote --no-pager | grep -q 'it is broken' || fail "the log does not say why"
# it had come far enough to upgrade the store
inside python3 -c 'import sqlite3; d = sqlite3.connect("/var/lib/amtsbote/store.sqlite"); d.execute("PRAGMA user_version=%d" % (d.execute("PRAGMA user_version").fetchone()[0] + 1))'
inside sh -c 'cd /root/new && apt-get install -y -q --allow-downgrades ./amtsbote_*.deb' > "$work/back.log" 2>&1 || fail "the way back: $(tail -5 "$work/back.log")"
until_true "the old program refuses the newer store" 60 inside sh -c 'journalctl -u amtsbote --no-pager | grep -q "cannot start.*schema"'
inside bash -eux /root/new/restore.sh > "$work/restore.log" 2>&1 || fail "restore: $(tail -8 "$work/restore.log")"
inside systemctl reset-failed 'amtsbote*'
inside systemctl start amtsbote-submission.socket amtsbote || fail "it does not start: $(inside journalctl -u amtsbote --no-pager | tail -3)"
count=$(letters)
sink_start
until_true "the mail in the queue arrives" 120 arrives $((count + 1))
inside apt-get purge -y -q amtsbote > "$work/purge.log" 2>&1
say "all of it held"
