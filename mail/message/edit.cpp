#include "mail/message/edit.hpp"

#include <algorithm>
#include <cassert>

#include "mail/address/errors.hpp"
#include "mail/message/pieces.hpp"
#include "mail/message/summary.hpp"

namespace mail {

base::ContentPtr apply(base::ContentPtr content, std::vector<Edit> edits) {
  if (edits.empty()) return content;
  const std::uint64_t size = content->size().value;
  std::vector<Piece> pieces;
  std::uint64_t at = 0;
  for (Edit& edit : edits) {
    assert(edit.offset >= at && edit.offset + edit.remove <= size);
    if (edit.offset > at) pieces.emplace_back(Range{at, edit.offset});
    if (!edit.insert.empty()) pieces.emplace_back(std::move(edit.insert));
    at = edit.offset + edit.remove;
  }
  if (at < size) pieces.emplace_back(Range{at, size});
  return compose(std::move(content), std::move(pieces));
}

base::ContentPtr slice(base::ContentPtr content, std::uint64_t begin, std::uint64_t end) {
  assert(begin <= end && end <= content->size().value);
  return compose(std::move(content), {Range{begin, end}});
}

base::ContentPtr join(std::string first, base::ContentPtr rest) {
  const std::uint64_t size = rest->size().value;
  return compose(std::move(rest), {std::move(first), Range{0, size}});
}

std::vector<Edit> remove_fields(const MessageFacts& facts, const std::vector<std::string>& names) {
  std::vector<Edit> edits;
  const char* start = facts.header.block().data();
  for (const HeaderField& field : facts.header.fields())
    if (std::any_of(names.begin(), names.end(), [&](const std::string& name) { return field.is(name); }))
      edits.push_back({static_cast<std::uint64_t>(field.raw.data() - start), field.raw.size(), {}});
  return edits;
}

base::Result<std::vector<Edit>> remove_returned(const MessageFacts& facts) {
  for (const Defect defect : {Defect::too_deep, Defect::too_many_parts, Defect::part_header_too_large, Defect::missing_boundary, Defect::malformed_content_type})
    if (facts.defects.contains(defect)) return base::fail(k_malformed_header, std::string("the parts of a report cannot be told apart: ") + name_of(defect));
  std::vector<Edit> edits;
  const bool is_report = facts.parts[0].type == "multipart/report";
  std::size_t children = 0;  // of the report, so far
  std::uint64_t done = 0;    // what lies before it is dealt with
  for (std::size_t i = 0; i < facts.parts.size(); ++i) {
    const Part& part = facts.parts[i];
    if (i > 0 && part.parent == 0) ++children;
    if (part.header_begin < done) continue;
    const bool encloses = part.type == "message/rfc822" || part.type == "message/global" || part.type == "message/partial";
    const bool extra = is_report && i > 0 && part.parent == 0 && children > 2 && part.type != "text/rfc822-headers";
    if (!encloses && !extra) continue;
    // its first child, if it was looked into, is the message that it encloses
    const bool looked_into = part.type == "message/rfc822" && i + 1 < facts.parts.size() && facts.parts[i + 1].parent == i;
    const std::uint64_t begin = looked_into ? facts.parts[i + 1].body_begin : part.body_begin;
    done = part.body_end;
    if (begin >= part.body_end) continue;
    if (part.under_signature) return base::fail(k_malformed_header, "a signature covers what a report returns");
    edits.push_back({begin, part.body_end - begin, {}});
  }
  return edits;
}

base::Result<std::string> format_field(std::string_view name, std::string_view value) {
  if (name.empty() || name.find_first_of(std::string_view(" \t:\r\n\0", 6)) != std::string_view::npos)
    return base::fail(k_malformed_header, "field name");
  auto text = encode_header_text(value, name.size() + 2);
  if (!text) return text;
  return std::string(name) + ": " + *text + "\r\n";
}

std::optional<std::string> subject_without(const MessageFacts& facts, const std::vector<std::string>& keywords) {
  const SubjectParts parts = split_subject(facts.subject);
  std::string out;
  bool removed = false;
  const auto add = [&](std::string_view text) {
    if (text.empty()) return;
    if (!out.empty()) out += ' ';
    out += text;
  };
  const auto add_words = [&](const std::vector<BracketWord>& words) {
    for (const BracketWord& word : words) {
      if (!word.normal.empty() && std::find(keywords.begin(), keywords.end(), word.normal) != keywords.end())
        removed = true;
      else
        add(word.raw);
    }
  };
  add_words(parts.leading);
  add(parts.middle);
  add_words(parts.trailing);
  if (!removed) return std::nullopt;
  return out;
}

}  // namespace mail
