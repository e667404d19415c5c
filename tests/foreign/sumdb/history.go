// What the leaves of a log tell together, over all its epochs: each epoch begins with the end of the one before, the chain of
// each message has no gap, and each balance adds up. Written from docs/receipts.md, without a line of the gateway.
package main

import (
	"encoding/base64"
	"encoding/json"

	"golang.org/x/mod/sumdb/tlog"
)

type leaf struct {
	Ev, Mid, Out, Prev string
	Mseq               int
	Facts              map[string]interface{}
}

func (l leaf) number(name string) int  { n, _ := l.Facts[name].(float64); return int(n) }
func (l leaf) word(name string) string { w, _ := l.Facts[name].(string); return w }

type link struct {
	hash, epoch string
	mseq        int
}

// What goes on from entry to entry.
type state struct {
	chains                                  map[string]link
	accepted, closed, cancelled, openBefore int
}

func (s state) copied() state {
	chains := map[string]link{}
	for mid, l := range s.chains {
		chains[mid] = l
	}
	s.chains = chains
	return s
}

// An epoch as it was walked: a later one may go on from any entry of it.
type walked struct {
	begin   state
	entries [][]byte
}

type history struct {
	state
	name string // of the epoch before
	tree tlog.Tree
	past map[string]walked
}

func (h *history) open() int { return h.accepted + h.openBefore - h.closed - h.cancelled }

// A restored database knew the first `kept` entries of an epoch only.
func (h *history) goBack(name, epoch string, kept int) {
	past, known := h.past[epoch]
	if !known || kept < 0 || kept > len(past.entries) {
		fail("epoch %s: goes on from entry %d of %s, which is not there", name, kept, epoch)
	}
	h.state = past.begin.copied()
	for i, entry := range past.entries[:kept] {
		h.step(parse(entry, epoch, i), epoch, i, entry)
	}
}

func parse(entry []byte, name string, index int) leaf {
	var l leaf
	if err := json.Unmarshal(entry, &l); err != nil {
		fail("epoch %s, entry %d: %v", name, index, err)
	}
	return l
}

func (h *history) step(l leaf, name string, index int, entry []byte) {
	h.follow(l, name, index, entry)
	h.count(l, name, index)
}

func (h *history) start(l leaf, name string) {
	if l.Ev != "log.open" {
		if h.name != "" {
			fail("epoch %s: begins with %s", name, l.Ev)
		}
		return
	}
	if h.name != "" {
		if l.word("prev_epoch") != h.name || l.number("prev_size") != int(h.tree.N) || l.word("prev_root") != base64.StdEncoding.EncodeToString(h.tree.Hash[:]) {
			fail("epoch %s: does not begin with the end of %s", name, h.name)
		}
		if l.Out == "recovered" {
			h.goBack(name, l.word("kept_epoch"), l.number("kept"))
		}
		if l.number("open") != h.open() {
			fail("epoch %s: carries %d open messages, there were %d", name, l.number("open"), h.open())
		}
	}
	h.accepted, h.closed, h.cancelled, h.openBefore = 0, 0, 0, l.number("open")
}

func (h *history) follow(l leaf, name string, index int, entry []byte) {
	if l.Mid == "" {
		return
	}
	before, known := h.chains[l.Mid]
	want := ""
	if known {
		want = before.hash
		if before.epoch != name {
			want = before.epoch + ":" + before.hash
		}
	}
	if l.Mseq != before.mseq+1 || l.Prev != want {
		fail("epoch %s, entry %d: the chain of %s is broken", name, index, l.Mid)
	}
	hash := tlog.RecordHash(entry)
	h.chains[l.Mid] = link{base64.RawURLEncoding.EncodeToString(hash[:]), name, l.Mseq}
}

func (h *history) count(l leaf, name string, index int) {
	switch l.Ev {
	case "msg.accept", "msg.accept.ext":
		h.accepted++
	case "msg.closed":
		if l.Out == "cancelled" {
			h.cancelled++
		} else {
			h.closed++
		}
	case "log.balance":
		if l.number("accepted") != h.accepted || l.number("closed") != h.closed || l.number("cancelled") != h.cancelled ||
			l.number("open_before") != h.openBefore || l.number("open") != h.open() {
			fail("epoch %s, entry %d: the balance does not add up", name, index)
		}
		h.accepted, h.closed, h.cancelled, h.openBefore = 0, 0, 0, h.open()
	}
}

func (h *history) epoch(dir, vkey string) {
	name, tree, entries := verify(dir, vkey)
	if h.chains == nil {
		h.chains, h.past = map[string]link{}, map[string]walked{}
	}
	for i, entry := range entries {
		l := parse(entry, name, i)
		if i == 0 {
			h.start(l, name)
			h.past[name] = walked{h.state.copied(), entries}
		}
		h.step(l, name, i, entry)
	}
	h.name, h.tree = name, tree
}
