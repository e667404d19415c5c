// Every key of the config file. Loading uses these rows, and a test holds docs/config.md against them.
#pragma once

#include <span>

#include "gateway/options/options.hpp"
#include "policies/lang/table_reader.hpp"

namespace config::schema {

using policies::KeySpec;

std::span<const KeySpec> top();
std::span<const KeySpec> site();
std::span<const KeySpec> store();
std::span<const KeySpec> secrets();
std::span<const KeySpec> secret();  // { credential = … } or { file = … }
std::span<const KeySpec> tls();
std::span<const KeySpec> listener();
std::span<const KeySpec> domain();
std::span<const KeySpec> recipients();  // domain.recipients as a table
std::span<const KeySpec> department();
std::span<const KeySpec> identity();
std::span<const KeySpec> route();
std::span<const KeySpec> demail();
std::span<const KeySpec> demail_account();
std::span<const KeySpec> limits();
std::span<const KeySpec> retry();
std::span<const KeySpec> trust();
std::span<const KeySpec> openpgp();
std::span<const KeySpec> dns();
std::span<const KeySpec> reports();

// All of them, as documentation shows them: "[site]", "[[listener]]", and what stands inside a key.
struct Table {
  std::string_view heading;
  std::span<const KeySpec> keys;
};
std::vector<Table> tables();

}  // namespace config::schema

namespace config {

// The default of a key that is there.
std::string_view fallback_of(std::span<const policies::KeySpec> specs, std::string_view key);

// Fill the sections that are nothing but numbers with their defaults, then with what the table says.
void read_limits(policies::TableReader* reader, LimitsOptions& into);
void read_retry(policies::TableReader* reader, RetryOptions& into);

}  // namespace config
