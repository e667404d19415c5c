#include "gateway/pipeline/search_words.hpp"

#include "mail/address/address.hpp"
#include "mail/address/words.hpp"

namespace pipeline {

std::optional<std::string> address_word(const std::string& text) {
  if (text.find('@') == std::string::npos) {
    auto domain = mail::parse_domain(text);
    if (!domain) return std::nullopt;
    return base::to_lower(*domain);
  }
  const auto address = mail::Address::parse(text);
  if (!address) return std::nullopt;
  return base::to_lower(address->folded());
}

std::string message_id_word(std::string text) {
  if (!text.empty() && text.front() != '<') text = "<" + text + ">";
  return base::to_lower(text);
}

std::string department_word(const std::string& id) { return id.empty() ? std::string{} : base::to_lower("department:" + id); }

// Names of accounts differ by case, and one account must not see what another sent: not folded.
std::string principal_word(policies::Proof proof, const std::string& name) {
  return name.empty() ? std::string{} : std::string("principal:") + policies::name_of(proof) + ":" + name;
}

std::vector<std::string> subject_words(std::string_view subject) {
  std::vector<std::string> out;
  std::string word;
  for (std::size_t i = 0; i <= subject.size(); ++i) {
    if (i < subject.size() && static_cast<unsigned char>(subject[i]) > 32) {
      word += subject[i];
      continue;
    }
    if (word.size() >= k_least_subject_word) out.push_back("subject:" + mail::fold_case(word));
    word.clear();
  }
  return out;
}

std::vector<base::Bytes> search_words(const MessageRecord& record, const std::vector<RecipientRecord>& recipients) {
  std::vector<base::Bytes> out;
  const auto add = [&](const std::string& word) {
    if (!word.empty()) out.push_back(base::to_lower(word));
  };
  if (record.reverse_path) {
    add(record.reverse_path->folded());
    add(record.reverse_path->domain());
  }
  if (!record.reverse_path || base::to_lower(record.from) != record.reverse_path->folded()) add(record.from);
  add(message_id_word(record.message_id));
  add(department_word(record.origin.department));
  if (const std::string word = principal_word(record.origin.proof, record.origin.principal); !word.empty()) out.push_back(word);
  for (const auto& r : recipients) {
    add(r.address.folded());
    add(r.address.domain());
  }
  // a recipient is never left out; a subject of a thousand words is
  for (std::string& word : subject_words(record.subject))
    if (out.size() < k_max_search_words) out.push_back(std::move(word));
  return out;
}

}  // namespace pipeline
