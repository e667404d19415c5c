// Promise: the words under which a message can be found are made here and nowhere else, so that who searches asks for what was
// stored. Words are personal data: the store keeps keyed hashes of them only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/pipeline/record.hpp"

namespace pipeline {

inline constexpr std::size_t k_max_search_words = 200;  // of one message
inline constexpr std::size_t k_least_subject_word = 3;  // bytes: shorter ones stand in every other subject

// An address or a domain; nothing if it is neither.
std::optional<std::string> address_word(const std::string& text);
// With or without its brackets.
std::string message_id_word(std::string text);
std::string department_word(const std::string& id);
// Of the account, certificate or network that gave it to us.
std::string principal_word(policies::Proof proof, const std::string& name);
// The words of a subject (file numbers and the like), those below k_least_subject_word left out.
std::vector<std::string> subject_words(std::string_view subject);

// All of a message.
std::vector<base::Bytes> search_words(const MessageRecord& record, const std::vector<RecipientRecord>& recipients);

}  // namespace pipeline
