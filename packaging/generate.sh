#!/bin/sh
# generate.sh GENERATOR DIRECTORY VERSION: the texts of the package, packed as Debian wants them; the same bytes for the same
# SOURCE_DATE_EPOCH.
set -eu
generator=$1 directory=$2 version=$3
seconds=${SOURCE_DATE_EPOCH:-$(date +%s)}
rm -rf "$directory"
mkdir -p "$directory"
"$generator" "$(LC_ALL=C date -u -d "@$seconds" +%Y-%m-%d)" "$directory"
cat > "$directory/changelog.Debian" <<END
amtsbote ($version) bookworm; urgency=medium

  * Built from the sources; what is new for users stands in changelog.gz.

 -- Amtsbote maintainers <amtsbote@packages.debian.org>  $(LC_ALL=C date -u -R -d "@$seconds")
END
cp "$(dirname "$0")/../CHANGELOG.md" "$directory/changelog"
# -n: no name and no time inside
gzip -9n "$directory"/*.1 "$directory"/*.5 "$directory"/*.8 "$directory/changelog.Debian" "$directory/changelog"
touch "$directory/stamp"
