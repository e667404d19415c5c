// Promise: reads a whole tile directory and says whether it is one untouched log: the signature of the checkpoint, every tile
// and bundle recomputed from the entries, each leaf in canonical form, each message's chain, each log.balance, and the
// consistency with checkpoints that were mailed or filed earlier. A directory of several epochs is checked epoch by epoch, and
// that each begins with the last checkpoint of the one before. No network, no database, no clock; memory grows with the
// number of messages only. The directory is hostile.
#pragma once

#include <string>
#include <vector>

#include "base/core/file.hpp"
#include "receipts/log/checkpoint.hpp"
#include "receipts/verify/report.hpp"

namespace receipts {

struct FsckOptions {
  base::fs::path directory;          // of one epoch, or of all
  VerifierKey key;                   // of any epoch of the log
  std::vector<std::string> against;  // texts (mails, files) that hold earlier checkpoints
};

// Checks: "checkpoint", "log_signature", "tiles", "root", "leaves", "chains", "balance", "epochs", "against".
Report fsck(const FsckOptions& options);

// All checkpoints of this log, of any epoch, in a text: as written, with CRLF, quoted with "> ", or in quoted-printable.
std::vector<SignedCheckpoint> find_checkpoints(std::string_view text, const VerifierKey& key);

}  // namespace receipts
