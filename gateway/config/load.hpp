// Promise: a configuration is taken whole or not at all, and everything that is wrong in any of its files is said at once.
// Each file is read once, as the very bytes that are hashed, checked, tested and archived; a file that others may write is
// refused. Policies belong to it: their rules are loaded and their cases run, and one that fails is a fault.
#pragma once

#include <vector>

#include "gateway/options/options.hpp"
#include "policies/lang/fault.hpp"

namespace config {

struct Loaded {
  OptionsPtr options;                   // null if a fault is an error
  OptionsPtr draft;                     // as far as it could be read, never null; for finding the socket of a daemon that runs
                                        // on older files and for trying policies, never to act upon
  std::vector<policies::Fault> faults;  // errors and warnings
};

Loaded load_config(const base::fs::path& path);

// The hash by which receipts name a configuration, in hex: SHA-256 over each text in the order of the names as
// `name NUL length LF text`, so that no text can be moved from one file to another without changing it.
std::string hash_of_texts(const std::vector<ConfigText>& texts);

}  // namespace config
