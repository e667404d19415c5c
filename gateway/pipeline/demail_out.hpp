// Promise: the stored message as the De-Mail that its provider takes: sent as the sender's De-Mail address, with the options
// decided for it and `mid.g` as private-id, and no field of De-Mail that anybody else wrote. Nothing below the outermost header
// changes. Standard: BSI TR 01201 part 3.4 v1.8, section 3.1 (nos. 1 to 10 of table 1: what a user sets).
#pragma once

#include "gateway/pipeline/prepare.hpp"
#include "mail/message/edit.hpp"

namespace pipeline {

// "mid.g": names one De-Mail of ours in every confirmation of it.
std::string private_id_of(const base::MessageId& mid, std::uint32_t group);

// The edits that take out what must not stand in it and rewrite From; in the order of their offsets.
base::Result<std::vector<mail::Edit>> demail_edits(const policies::PolicyDecision& decision, const mail::MessageFacts& facts);
// The fields in front. k_malformed_header.
base::Result<std::string> demail_top(const PrepareInput& input, const mail::MessageFacts& facts);

}  // namespace pipeline
