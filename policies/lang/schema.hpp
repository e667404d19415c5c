// Every word of the policy language. Loading uses these rows, and a test holds docs/policy.md against them.
#pragma once

#include <span>

#include "policies/lang/table_reader.hpp"

namespace policies::schema {

std::span<const KeySpec> file();          // top level of a policy file
std::span<const KeySpec> rule();          // [[rule]]
std::span<const KeySpec> conditions();    // when, not
std::span<const KeySpec> header();        // when.header
std::span<const KeySpec> client();        // when.client
std::span<const KeySpec> size();          // when.size
std::span<const KeySpec> attachment();    // when.attachment
std::span<const KeySpec> time();          // when.time
std::span<const KeySpec> settings();      // then
std::span<const KeySpec> demail();        // then.demail
std::span<const KeySpec> mark();          // then.mark
std::span<const KeySpec> refuse();        // then.refuse
std::span<const KeySpec> case_file();     // top level of a file of cases
std::span<const KeySpec> test_case();     // [[case]]
std::span<const KeySpec> message();       // case.message
std::span<const KeySpec> case_demail();   // case.demail
std::span<const KeySpec> opened();        // case.opened
std::span<const KeySpec> expect();        // case.expect
std::span<const KeySpec> legal_file();    // top level of the table of legal effects
std::span<const KeySpec> legal_effect();  // [[effect]]

}  // namespace policies::schema
