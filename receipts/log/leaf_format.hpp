// Internal to receipts/log: one function writes leaves, for compose() and for the check that a parsed leaf was canonical.
#pragma once

#include "receipts/log/leaf.hpp"

namespace receipts {

struct LeafFrame {
  base::EventId eid;
  std::string node;
  std::vector<std::string> dr;  // sorted
};

base::Result<base::Bytes> format_leaf(const Event& event, const ChainLink& link, const LeafFrame& frame);

}  // namespace receipts
