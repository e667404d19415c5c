#include "receipts/log/leaf.hpp"

#include <algorithm>
#include <charconv>

#include "base/core/random.hpp"
#include "receipts/log/json.hpp"
#include "receipts/log/leaf_format.hpp"
#include "receipts/log/tree.hpp"

namespace receipts {
namespace {

constexpr std::size_t k_salt = 16;  // RFC 9901 section 9.3: 128 random bits
constexpr std::int64_t k_exact = (std::int64_t{1} << 53) - 1;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_enhanced(std::string_view text) {  // RFC 3463: "2.0.0"
  return text.empty() || (text.size() >= 5 && text.size() <= 9 && text[1] == '.' && std::count(text.begin(), text.end(), '.') == 2 &&
                          std::all_of(text.begin(), text.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); }));
}

base::Result<void> check_link(const Event& event, const ChainLink& link) {
  if (event.mid.has_value() != (link.mseq > 0)) return fail(k_leaf_invalid, "mseq stands exactly where mid stands");
  if (link.prev.has_value() != (link.mseq > 1)) return fail(k_leaf_invalid, "prev stands exactly where mseq is above 1");
  if (link.mseq > static_cast<std::uint64_t>(k_exact)) return fail(k_leaf_invalid, "mseq");
  if (!link.epoch.empty() && (!link.prev || !is_word(link.epoch) || link.epoch.find(':') != std::string::npos))
    return fail(k_leaf_invalid, "epoch");
  return base::Done{};
}

base::Result<void> check_fact(const Fact& fact) {
  if (!is_name(fact.name)) return fail(k_leaf_invalid, "name of a fact");
  if (const auto* word = std::get_if<std::string>(&fact.value)) {
    if (!is_word(*word)) return fail(k_leaf_invalid, "fact " + fact.name + " is not a word");
    return base::Done{};
  }
  const std::int64_t n = std::get<std::int64_t>(fact.value);
  if (n > k_exact || n < -k_exact) return fail(k_leaf_invalid, "fact " + fact.name + " is too big a number");
  return base::Done{};
}

base::Result<void> check_event(const Event& event) {
  for (const std::string* word : {&event.out, &event.ch, &event.ret, &event.actor})
    if (!word->empty() && !is_word(*word)) return fail(k_leaf_invalid, "not a word");
  if (event.rc && (event.rc->code < 200 || event.rc->code > 599 || !is_enhanced(event.rc->enhanced)))
    return fail(k_leaf_invalid, "reply code");
  if (event.facts.size() > k_max_facts) return fail(k_leaf_too_large, "facts");
  for (std::size_t i = 0; i < event.facts.size(); ++i) {
    if (auto ok = check_fact(event.facts[i]); !ok) return ok;
    if (i > 0 && event.facts[i - 1].name >= event.facts[i].name) return fail(k_leaf_invalid, "facts stand in order, each once");
  }
  return base::Done{};
}

void append_number(std::string& out, std::int64_t n) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, n).ptr;
  out.append(digits, end);
}

// Everything that reaches a leaf is a word, so nothing ever needs an escape.
class Writer {
 public:
  explicit Writer(std::string& out) : m_out(out) { m_out += '{'; }
  void key(std::string_view name) {
    if (!m_first) m_out += ',';
    m_first = false;
    m_out.append(1, '"').append(name).append("\":");
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    m_out.append(1, '"').append(value).append(1, '"');
  }
  void word(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void number(std::string_view name, std::int64_t value) {
    key(name);
    append_number(m_out, value);
  }
  void close() { m_out += '}'; }

 private:
  std::string& m_out;
  bool m_first = true;
};

void append_facts(std::string& out, const std::vector<Fact>& facts) {
  Writer w(out);
  for (const Fact& fact : facts) {
    if (const auto* word = std::get_if<std::string>(&fact.value))
      w.text(fact.name, *word);
    else
      w.number(fact.name, std::get<std::int64_t>(fact.value));
  }
  w.close();
}

std::string format_prev(const ChainLink& link) {
  const std::string hash = base::to_base64url(base::view(*link.prev));
  return link.epoch.empty() ? hash : link.epoch + ":" + hash;
}

// The order of the calls is the order of RFC 8785 section 3.2.3: there is nothing to sort at run time.
void append_members(std::string& out, const Event& event, const ChainLink& link, const LeafFrame& frame) {
  Writer w(out);
  w.word("actor", event.actor);
  if (event.cfg) w.text("cfg", base::to_base64url(base::view(*event.cfg)));
  w.word("ch", event.ch);
  if (!frame.dr.empty()) {
    w.key("dr");
    char sign = '[';
    for (const std::string& digest : frame.dr) {
      out.append(1, sign).append(1, '"').append(digest).append(1, '"');
      sign = ',';
    }
    out += ']';
  }
  w.text("eid", frame.eid.text());
  w.word("etsi", etsi_of(event.type));
  w.text("ev", name_of(event.type));
  if (!event.facts.empty()) {
    w.key("facts");
    append_facts(out, event.facts);
  }
  if (event.mid) w.text("mid", event.mid->text());
  if (link.mseq > 0) w.number("mseq", static_cast<std::int64_t>(link.mseq));
  w.text("node", frame.node);
  w.word("out", event.out);
  if (link.prev) w.text("prev", format_prev(link));
  if (event.rc) {
    w.key("rc");
    Writer rc(out);
    rc.number("code", event.rc->code);
    rc.word("enh", event.rc->enhanced);
    rc.close();
  }
  w.word("ret", event.ret);
  if (event.rx) w.number("rx", *event.rx);
  w.text("t", base::format_utc(event.time));
  w.number("v", 1);
  w.close();
}

base::Result<EncodedDisclosure> encode(const Disclosure& d) {
  if (!is_name(d.name)) return fail(k_disclosure_invalid, "name of a disclosure");
  if (d.value.size() > k_max_disclosure_value) return fail(k_leaf_too_large, "value of disclosure " + d.name);
  std::string text = "[\"" + base::to_base64url(base::random_bytes(k_salt)) + "\",\"" + name_of(d.cls) + "." + d.name + "\",";
  if (base::is_utf8(d.value))
    append_json_string(text, d.value);
  else
    text += "{\"base64\":\"" + base::to_base64(d.value) + "\"}";
  text += ']';
  return EncodedDisclosure{d.cls, d.name, base::to_base64url(text)};
}

}  // namespace

base::Result<base::Bytes> format_leaf(const Event& event, const ChainLink& link, const LeafFrame& frame) {
  if (!is_word(frame.node)) return fail(k_leaf_invalid, "node");
  if (auto ok = check_link(event, link); !ok) return ok.error();
  if (auto ok = check_event(event); !ok) return ok.error();
  base::Bytes out;
  out.reserve(768);
  append_members(out, event, link, frame);
  if (out.size() > k_max_leaf) return fail(k_leaf_too_large, std::to_string(out.size()) + " bytes");
  return out;
}

base::Result<Leaf> compose(const Event& event, const ChainLink& link, std::string_view node, const base::EventId& eid) {
  if (event.disclosures.size() > k_max_disclosures) return fail(k_leaf_too_large, "disclosures");
  Leaf leaf;
  leaf.eid = eid;
  LeafFrame frame{eid, std::string(node), {}};
  for (const Disclosure& d : event.disclosures) {
    auto encoded = encode(d);
    if (!encoded) return std::move(encoded).error();
    frame.dr.push_back(disclosure_digest(encoded->encoded));
    leaf.disclosures.push_back(std::move(*encoded));
  }
  // sorted, so that their order tells nothing
  std::sort(frame.dr.begin(), frame.dr.end());
  const auto by_name = [](const Fact& a, const Fact& b) { return a.name < b.name; };
  base::Result<base::Bytes> bytes = base::Bytes{};
  if (std::is_sorted(event.facts.begin(), event.facts.end(), by_name)) {
    bytes = format_leaf(event, link, frame);
  } else {
    Event sorted = event;
    std::sort(sorted.facts.begin(), sorted.facts.end(), by_name);
    bytes = format_leaf(sorted, link, frame);
  }
  if (!bytes) return std::move(bytes).error();
  leaf.bytes = std::move(*bytes);
  leaf.hash = leaf_hash(leaf.bytes);
  return leaf;
}

}  // namespace receipts
