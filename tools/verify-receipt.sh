#!/bin/sh
# Verifies a file of receipts with tools that come with every system: sh, awk, openssl (3.0 or newer), sha256sum, base64, xxd.
# It knows nothing of the gateway and needs no network.
#
#   verify-receipt.sh FILE VKEY
#
# FILE was written by `amtsbote receipts prove`; VKEY is the log's public key (name+id+key), taken from somewhere you trust, never from
# FILE's sender. Checked for each receipt: the hash of the leaf leads to the root of the checkpoint (RFC 6962), the checkpoint is signed by
# that key (C2SP signed note, Ed25519), and each disclosure shown belongs to the leaf (RFC 9901). A log has an epoch for each year; the
# same key signs each under its own name, so the key of any epoch serves for all.
# Exit: 0 all good, 1 something is wrong, 2 wrong use.
set -u
LC_ALL=C
export LC_ALL

[ $# -eq 2 ] || { echo "use: verify-receipt.sh FILE VKEY" >&2; exit 2; }
file=$1
vkey=$2
[ -r "$file" ] || { echo "verify-receipt.sh: cannot read $file" >&2; exit 2; }
for tool in awk openssl sha256sum base64 xxd; do
  command -v "$tool" > /dev/null || { echo "verify-receipt.sh: $tool is missing" >&2; exit 2; }
done
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

bad=0
good() { echo "passed  $1"; }
wrong() { echo "failed  $1"; bad=1; }

# base64 to hex; strict: what does not encode back to the same text is refused. Empty on failure.
hex_of() {
  printf %s "$1" | base64 -d > "$work/b64" 2> /dev/null || return 0
  [ "$(base64 < "$work/b64" | tr -d '\n')" = "$1" ] || return 0
  xxd -p < "$work/b64" | tr -d '\n'
}
base64_of() { printf %s "$1" | xxd -r -p | base64 | tr -d '\n'; }
# SHA-256, in hex, of bytes given in hex
hash_of() { printf %s "$1" | xxd -r -p | sha256sum | cut -d' ' -f1; }

# The file has a fixed layout of lines; any other line is a fault.
split_file() {
  awk -v dir="$work" '
    function die(why) { print "line " NR ": " why; failed = 1; exit 1 }
    function text_of(line) {
      more = (line ~ /",$/)
      if (line !~ /^"[^"\\]*",?$/) die("not a text")
      sub(/^"/, "", line); sub(/",?$/, "", line)
      return line
    }
    NR == 1 { if ($0 != "{") die("head"); next }
    NR == 2 { if ($0 != "\"format\": \"amtsbote-receipts/1\",") die("format"); next }
    NR == 3 { if ($0 != "\"receipts\": [") die("head"); state = "open"; next }
    state == "open" { if ($0 != "{") die("receipt"); state = "leaf"; n++; next }
    state == "leaf" {
      if ($0 !~ /^"leaf": \{.*\},$/) die("leaf")
      line = $0; sub(/^"leaf": /, "", line); sub(/,$/, "", line)
      printf "%s", line > (dir "/" n ".leaf"); close(dir "/" n ".leaf")
      printf "" > (dir "/" n ".disclosures"); printf "" > (dir "/" n ".proof")
      state = "disclosures"; next
    }
    state == "disclosures" { if ($0 != "\"disclosures\": [") die("disclosures"); state = "disclosure"; more = 0; first = 1; next }
    state == "disclosure" && $0 == "]," { if (more) die("comma"); state = "proof"; next }
    state == "disclosure" { if (!first && !more) die("no comma"); print text_of($0) > (dir "/" n ".disclosures"); first = 0; next }
    state == "proof" { if ($0 != "\"proof\": [") die("proof"); state = "line"; more = 0; first = 1; next }
    state == "line" && $0 == "]" { if (more) die("comma"); state = "close"; next }
    state == "line" { if (!first && !more) die("no comma"); print text_of($0) > (dir "/" n ".proof"); first = 0; next }
    state == "close" && $0 == "}," { state = "open"; next }
    state == "close" && $0 == "}" { state = "tail1"; next }
    state == "tail1" && $0 == "]" { state = "tail2"; next }
    state == "tail2" && $0 == "}" { state = "end"; next }
    { die("unexpected") }
    END { if (!failed && state != "end") { print "the file ends early"; exit 1 } if (!failed) print n > (dir "/count") }
  ' "$file"
}

# The proof of receipt $1 into variables: index, size, root, hashes (hex, one word each); the signed text into $work/body.
read_proof() {
  awk -v dir="$work" '
    function die() { failed = 1; exit 1 }
    NR == 1 { if ($0 != "c2sp.org/tlog-proof@v1") die(); next }
    state == "" && /^extra [A-Za-z0-9+\/=]+$/ && NR == 2 { next }
    state == "" { if ($0 !~ /^index (0|[1-9][0-9]*)$/ || length($0) > 24) die(); print $2 > (dir "/index"); state = "hashes"; printf "" > (dir "/hashes"); next }
    state == "hashes" && $0 == "" { state = "body"; printf "" > (dir "/body"); next }
    state == "hashes" { print > (dir "/hashes"); next }
    state == "body" && $0 == "" { if (lines != 3) die(); state = "signatures"; printf "" > (dir "/signatures"); next }
    state == "body" { print > (dir "/body"); lines++; next }
    { if ($0 !~ /^\342\200\224 [^ +]+ [A-Za-z0-9+\/=]+$/) die(); print > (dir "/signatures") }
    END { if (failed || state != "signatures") exit 1 }
  ' "$work/$1.proof"
}

# RFC 6962 section 2.1.1, the walk from the leaf to the root
check_inclusion() {
  node=$(cat "$work/index")
  size=$(sed -n 2p "$work/body")
  root=$(hex_of "$(sed -n 3p "$work/body")")
  case $size in '' | *[!0-9]* | 0*) return 1 ;; esac
  [ ${#size} -le 18 ] && [ ${#node} -le 18 ] && [ ${#root} -eq 64 ] && [ "$node" -lt "$size" ] || return 1
  last=$((size - 1))
  hash=$(hash_of "00$(xxd -p < "$work/$1.leaf" | tr -d '\n')")
  while read -r line; do
    sibling=$(hex_of "$line")
    [ ${#sibling} -eq 64 ] && [ "$last" -ne 0 ] || return 1
    if [ $((node & 1)) -eq 1 ] || [ "$node" -eq "$last" ]; then
      hash=$(hash_of "01$sibling$hash")
      while [ $((node & 1)) -eq 0 ] && [ "$node" -ne 0 ]; do
        node=$((node >> 1))
        last=$((last >> 1))
      done
    else
      hash=$(hash_of "01$hash$sibling")
    fi
    node=$((node >> 1))
    last=$((last >> 1))
  done < "$work/hashes"
  [ "$last" -eq 0 ] && [ "$hash" = "$root" ]
}

# the first four bytes of SHA-256(name || 0x0A || 0x01 || key)
id_of() { printf '%s\n' "$1" | { cat; printf '01%s' "$public" | xxd -r -p; } | sha256sum | cut -c1-8; }

# "NAME/2026" and "NAME/2027.2" are epochs of one log
is_same_log() {
  [ "$1" = "$name" ] && return 0
  for epoch in "${1##*/}" "${name##*/}"; do
    case $epoch in '' | *[!0-9.]* | .* | *. | *.*.*) return 1 ;; esac
  done
  [ "${1%/*}" = "${name%/*}" ]
}

check_signature() {
  origin=$(sed -n 1p "$work/body")
  is_same_log "$origin" || return 1
  origin_id=$(id_of "$origin")
  # the public key as openssl reads it: the fixed head of an Ed25519 SubjectPublicKeyInfo (RFC 8410), then the 32 bytes
  printf '302a300506032b6570032100%s' "$public" | xxd -r -p > "$work/key.der"
  while read -r dash signer coded; do
    [ -n "$dash" ] && [ "$signer" = "$origin" ] || continue
    signature=$(hex_of "$coded")
    [ ${#signature} -eq 136 ] || continue
    case $signature in "$origin_id"*) ;; *) continue ;; esac
    printf %s "${signature#"$origin_id"}" | xxd -r -p > "$work/signature"
    openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key.der" -rawin -in "$work/body" -sigfile "$work/signature" \
      > /dev/null 2>&1 && return 0
  done < "$work/signatures"
  return 1
}

check_disclosures() {
  while read -r encoded; do
    digest=$(printf %s "$encoded" | sha256sum | cut -d' ' -f1)
    digest=$(base64_of "$digest" | tr -d '=' | tr '+/' '-_')
    grep -qF "\"$digest\"" "$work/$1.leaf" || return 1
  done < "$work/$1.disclosures"
}

# the key: name+id+key, where the key is 0x01 and 32 bytes, and the id the first four bytes of SHA-256(name || 0x0A || 0x01 || key)
name=${vkey%%+*}
rest=${vkey#*+}
id=${rest%%+*}
public=$(hex_of "${rest#*+}")
case $public in 01*) public=${public#01} ;; *) public= ;; esac
[ ${#public} -eq 64 ] && [ "$(id_of "$name")" = "$id" ] || {
  echo "verify-receipt.sh: this is no key of a log (name+id+key)" >&2
  exit 2
}

if why=$(split_file); then
  good "file: layout"
else
  wrong "file: $why"
  exit 1
fi
count=$(cat "$work/count")
i=0
while [ "$i" -lt "$count" ]; do
  i=$((i + 1))
  echo "receipt $i: leaf hash $(hash_of "00$(xxd -p < "$work/$i.leaf" | tr -d '\n')")"
  if read_proof "$i"; then
    good "proof: layout"
    if check_inclusion "$i"; then good "inclusion: entry $(cat "$work/index") of $size"; else wrong "inclusion"; fi
    if check_signature; then good "signature of the log: $origin"; else wrong "signature of the log"; fi
  else
    wrong "proof: layout"
  fi
  if check_disclosures "$i"; then good "disclosures"; else wrong "disclosures"; fi
done
[ "$bad" -eq 0 ] && echo "all good"
exit "$bad"
