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

type history struct {
	name                                    string // of the epoch before
	tree                                    tlog.Tree
	chains                                  map[string]link
	accepted, closed, cancelled, openBefore int
}

func (h *history) open() int { return h.accepted + h.openBefore - h.closed - h.cancelled }

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
		h.chains = map[string]link{}
	}
	for i, entry := range entries {
		var l leaf
		if err := json.Unmarshal(entry, &l); err != nil {
			fail("epoch %s, entry %d: %v", name, i, err)
		}
		if i == 0 {
			h.start(l, name)
		}
		h.follow(l, name, i, entry)
		h.count(l, name, i)
	}
	h.name, h.tree = name, tree
}
