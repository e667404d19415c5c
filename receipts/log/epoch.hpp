// Promise: a node has one log, a row of epochs, one for each year. Each epoch is a log of its own (own tree, own origin
// "NAME/EPOCH", same key); its first leaf, log.open, holds the last checkpoint of the epoch before, signature included, so
// that nobody can drop or replace an epoch in the row. An epoch that an administrator had to open because the published log
// was ahead of the database says so, and says how much of the older log the database still had.
// Leaves are hostile here: a link is what it claims until verify_link() agrees.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "receipts/log/checkpoint.hpp"
#include "receipts/log/event.hpp"

namespace receipts {

// "2026"; the second of a year is "2026.2". A log from before there were epochs has the name "1".
struct EpochName {
  int year = 0;
  int number = 1;
  friend auto operator<=>(const EpochName&, const EpochName&) = default;
};
std::optional<EpochName> parse_epoch(std::string_view text);
std::string format_epoch(const EpochName& name);
int year_of(base::Timestamp t);  // UTC

std::string_view epoch_of(std::string_view origin);  // what stands behind the last slash
// The key as it signs for `origin`, which must be an epoch of the same log; else nothing.
std::optional<VerifierKey> key_for(const VerifierKey& key, std::string_view origin);

// `out` of log.open.
inline constexpr const char* k_out_opened = "opened";
inline constexpr const char* k_out_recovered = "recovered";

// What log.open holds of the epoch before.
struct EpochLink {
  std::string epoch;
  std::uint64_t size = 0;
  base::Sha256Digest root{};
  std::string signature;                   // as the note's line has it: base64 of key id and signature
  // after a recovery: the newest entry that the database still knew has the place kept - 1 of this epoch
  std::optional<std::pair<std::string, std::uint64_t>> kept;
  friend bool operator==(const EpochLink&, const EpochLink&) = default;
};

// Of the last checkpoint of an epoch. k_checkpoint_invalid if it is not signed under its origin.
base::Result<EpochLink> make_link(std::string_view note);
std::vector<Fact> format_link(const EpochLink& link);
// Nothing if these are not the facts of a link: a first epoch has none.
std::optional<EpochLink> parse_link(const std::vector<Fact>& facts);
// Is the checkpoint in the link one that the log signed? `key` is that of any epoch.
bool verify_link(const EpochLink& link, const VerifierKey& key);

}  // namespace receipts
