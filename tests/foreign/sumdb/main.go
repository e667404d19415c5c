// Checks a directory of tiles with golang.org/x/mod/sumdb (note and tlog), code that knows nothing of this project: the
// signature of the checkpoint, the tree recomputed from the entries, and the inclusion of every entry
// (above 10,000: of every 17th) read from the tiles. Of several epochs (DIR VKEY DIR VKEY …) also what history.go says.
// Build: GO111MODULE=off GOPATH=/usr/share/gocode go build
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type reader struct {
	dir   string
	saved map[tlog.Tile][]byte // tiles that tlog has authenticated
}

func (r reader) Height() int { return 8 }
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		if data, ok := r.saved[t]; ok {
			out = append(out, data)
			continue
		}
		// the Go module database writes the height into the path; C2SP tiles always have height 8
		path := strings.Replace(t.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(r.dir, path))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}
func (r reader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, t := range tiles {
		r.saved[t] = data[i]
	}
}

func fail(format string, args ...interface{}) {
	fmt.Printf(format+"\n", args...)
	os.Exit(1)
}

func entriesOf(dir string, size int64) [][]byte {
	var out [][]byte
	for n := int64(0); n*256 < size; n++ {
		width := size - n*256
		if width > 256 {
			width = 256
		}
		tile := tlog.Tile{H: 8, L: 0, N: n, W: int(width)}
		path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			fail("entries: %v", err)
		}
		for len(data) > 0 {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				fail("entries: torn bundle %s", path)
			}
			length := int(binary.BigEndian.Uint16(data))
			out = append(out, data[2:2+length])
			data = data[2+length:]
		}
	}
	if int64(len(out)) != size {
		fail("entries: %d instead of %d", len(out), size)
	}
	return out
}

// Epochs of one log in their order: each a log of its own.
func main() {
	var log history
	for i := 1; i+1 < len(os.Args); i += 2 {
		log.epoch(os.Args[i], os.Args[i+1])
	}
}

func verify(dir, vkey string) (string, tlog.Tree, [][]byte) {
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		fail("checkpoint: %v", err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		fail("vkey: %v", err)
	}
	signed, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		fail("signature: %v", err)
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		fail("checkpoint: not three lines of this origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		fail("size: %v", err)
	}
	var root tlog.Hash
	bytes, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(bytes) != len(root) {
		fail("root: not a hash")
	}
	copy(root[:], bytes)
	tree := tlog.Tree{N: size, Hash: root}
	entries := entriesOf(dir, size)
	check(dir, tree, entries)
	fmt.Printf("good: %d entries\n", size)
	return lines[0][strings.LastIndex(lines[0], "/")+1:], tree, entries
}

func check(dir string, tree tlog.Tree, entries [][]byte) {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(i), entry, read)
		if err != nil {
			fail("hashes: %v", err)
		}
		stored = append(stored, hashes...)
	}
	if got, err := tlog.TreeHash(tree.N, read); err != nil || got != tree.Hash {
		fail("root: the entries have another one (%v)", err)
	}
	// the tiles are authenticated against the root on the way
	tiles := tlog.TileHashReader(tree, reader{dir, map[tlog.Tile][]byte{}})
	step := 1
	if len(entries) > 10000 {
		step = 17
	}
	for i := 0; i < len(entries); i += step {
		entry := entries[i]
		proof, err := tlog.ProveRecord(tree.N, int64(i), tiles)
		if err != nil {
			fail("entry %d: %v", i, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), tlog.RecordHash(entry)); err != nil {
			fail("entry %d: %v", i, err)
		}
	}
}
