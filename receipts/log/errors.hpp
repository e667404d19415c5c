// The codes of receipts: 700 to 799.
#pragma once

#include "base/core/result.hpp"

namespace receipts {

inline constexpr base::Code k_leaf_invalid{700, "leaf_invalid"};              // not a leaf of ours in canonical form
inline constexpr base::Code k_leaf_too_large{701, "leaf_too_large"};          // above 4 KiB or another limit of a leaf
inline constexpr base::Code k_disclosure_invalid{702, "disclosure_invalid"};
inline constexpr base::Code k_checkpoint_invalid{703, "checkpoint_invalid"};  // not a checkpoint, or not the one that belongs here
inline constexpr base::Code k_vkey_invalid{704, "vkey_invalid"};
inline constexpr base::Code k_tiles_broken{705, "tiles_broken"};              // a tile is missing or torn: rebuild
inline constexpr base::Code k_tiles_differ{706, "tiles_differ"};              // a tile holds something else: the log forked, stop
inline constexpr base::Code k_proof_invalid{707, "proof_invalid"};
inline constexpr base::Code k_receipt_file_invalid{708, "receipt_file_invalid"};
inline constexpr base::Code k_out_of_range{709, "out_of_range"};              // an index or size that the tree does not have

}  // namespace receipts
