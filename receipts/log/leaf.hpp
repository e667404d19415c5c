// Promise: a leaf is the one form in which an event enters the log: RFC 8785 (JCS) JSON, at most 4 KiB, ASCII, no floats,
// times in UTC with three fraction digits, hashed as stored bytes (RFC 6962 section 2.1). It holds no personal data: for
// each disclosure it holds the SHA-256 digest of its encoded form (RFC 9901 section 4.2), sorted.
// Must never: format what it could not parse back to the same value. Leaves from a file are hostile: parse_leaf takes the
// canonical bytes of a valid leaf and refuses everything else.
//
// Keys, in canonical order; those marked ? may be absent:
//   actor? cfg? ch? dr? eid etsi? ev facts? mid? mseq? node out? prev? rc?{code,enh?} ret? rx? t v
// mseq counts the leaves of one message from 1; prev is the leaf hash of the one before, "epoch:hash" if that one stands
// in an older epoch of the log. Digests are base64url without padding.
#pragma once

#include "receipts/log/errors.hpp"
#include "receipts/log/event.hpp"

namespace receipts {

inline constexpr std::size_t k_max_leaf = 4096;

// Where a leaf stands in its message's chain. mseq 0: an event of no message.
struct ChainLink {
  std::uint64_t mseq = 0;
  std::optional<base::Sha256Digest> prev;  // absent only for mseq 0 and 1
  std::string epoch;                       // of prev, "" if it is this one
  friend bool operator==(const ChainLink&, const ChainLink&) = default;
};

struct EncodedDisclosure {
  DisclosureClass cls = DisclosureClass::env;
  std::string name;
  std::string encoded;  // base64url(["salt","class.name",value]); the digest in the leaf is that of this text
};

struct Leaf {
  base::EventId eid;
  base::Bytes bytes;
  base::Sha256Digest hash{};  // SHA-256(0x00 || bytes)
  std::vector<EncodedDisclosure> disclosures;  // in the order of the event; to be stored sealed, apart from the log
};

// k_leaf_invalid (a member is not a word, a chain that cannot be), k_leaf_too_large, k_disclosure_invalid. Salts are fresh
// random bytes: composing twice gives two different leaves.
base::Result<Leaf> compose(const Event& event, const ChainLink& link, std::string_view node, const base::EventId& eid);

struct ParsedLeaf {
  base::EventId eid;
  std::string node;
  ChainLink link;
  Event event;                   // without disclosures; facts sorted by name
  std::vector<std::string> dr;   // digests as they stand in the leaf
  base::Sha256Digest hash{};
};

// Exactly what compose() writes, or k_leaf_invalid, k_leaf_too_large.
base::Result<ParsedLeaf> parse_leaf(base::ByteView bytes);

struct OpenedDisclosure {
  std::string salt;
  DisclosureClass cls = DisclosureClass::env;
  std::string name, value;
};

// k_disclosure_invalid.
base::Result<OpenedDisclosure> parse_disclosure(std::string_view encoded);
std::string disclosure_digest(std::string_view encoded);
// Is this disclosure one of those that the leaf names?
bool belongs_to(const ParsedLeaf& leaf, std::string_view encoded);

}  // namespace receipts
