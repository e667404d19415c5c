#include "demail/evidence/confirmation_xml.hpp"

#include <algorithm>

#include "demail/evidence/xml_document.hpp"

namespace demail {
namespace {

constexpr std::string_view k_namespace = "urn:de-mail", k_dsig = "http://www.w3.org/2000/09/xmldsig#";
constexpr std::string_view k_instance = "http://www.w3.org/2001/XMLSchema-instance";
constexpr std::string_view k_blanks = " \t\r\n";

// No attributes: the schema declares none. Where to find the schema itself may be said on the root.
bool has_plain_attributes(const xmlNode* element, bool is_root) {
  for (const xmlAttr* attribute = element->properties; attribute != nullptr; attribute = attribute->next) {
    const bool instance = attribute->ns != nullptr && reinterpret_cast<const char*>(attribute->ns->href) == k_instance;
    if (!is_root || !instance) return false;
  }
  return true;
}

// The elements of a sequence with nothing but blanks between them.
std::optional<std::vector<xmlNode*>> sequence_of(const xmlNode* parent) {
  for (const xmlNode* node = parent->children; node != nullptr; node = node->next) {
    if (node->type == XML_ELEMENT_NODE) continue;
    if (node->type != XML_TEXT_NODE) return std::nullopt;
    if (!trim_xml(reinterpret_cast<const char*>(node->content)).empty()) return std::nullopt;
  }
  return elements_of(parent);
}

class Reader {
 public:
  ReadConfirmation read(base::ByteView xml, Signature signature) {
    const ParsedXml parsed = parse_xml(xml);
    if (!parsed.document) return std::move(m_out);
    const xmlNode* root = xmlDocGetRootElement(parsed.document.get());
    const bool acknowledges = is_element(root, k_namespace, k_acknowledge);
    m_out.is_notification = is_element(root, k_namespace, k_notification);
    if (!acknowledges && !m_out.is_notification) {
      note(EvidenceFinding::wrong_root);
      return std::move(m_out);
    }
    auto elements = sequence_of(root);
    m_good = elements.has_value() && has_plain_attributes(root, true);
    if (elements) m_rest = std::move(*elements);
    if (acknowledges)
      acknowledge(signature);
    else
      notification();
    m_good = m_good && m_rest.empty();
    if (!m_good) {
      note(EvidenceFinding::wrong_structure);
      return std::move(m_out);
    }
    m_out.confirmation = std::move(m_values);
    return std::move(m_out);
  }

 private:
  void note(EvidenceFinding finding) { m_out.findings.insert(finding); }

  const xmlNode* take(std::string_view name_space, std::string_view name) {
    if (m_rest.empty() || !is_element(m_rest.front(), name_space, name)) return nullptr;
    const xmlNode* out = m_rest.front();
    m_rest.erase(m_rest.begin());
    return out;
  }

  // xs:string: text and nothing else
  bool string_of(const xmlNode* element, std::string& out) {
    if (element == nullptr || !has_plain_attributes(element, false)) return false;
    auto text = text_of(element);
    if (!text) return false;
    out = *std::move(text);
    return true;
  }
  void string(std::string_view name, std::string& out) { m_good = string_of(take(k_namespace, name), out) && m_good; }

  std::optional<base::Timestamp> time_of(const xmlNode* element) {
    std::string text;
    if (!string_of(element, text)) {
      m_good = false;
      return std::nullopt;
    }
    const auto time = parse_xml_time(text);
    if (!time) {
      note(EvidenceFinding::bad_time);
      return std::nullopt;
    }
    if (!time->has_zone) note(EvidenceFinding::local_time);
    return time->time;
  }
  void time() { m_values.time = time_of(take(k_namespace, "Time")).value_or(base::Timestamp{}); }

  void metadata(const xmlNode* element) {
    const auto entries = element == nullptr ? std::nullopt : sequence_of(element);
    if (!entries || entries->empty() || entries->size() > k_max_metadata || !has_plain_attributes(element, false)) {
      m_good = false;
      return;
    }
    for (const xmlNode* entry : *entries) {
      const auto parts = sequence_of(entry);
      Metadate out;
      if (!is_element(entry, k_namespace, "Metadate") || !has_plain_attributes(entry, false) || !parts || parts->size() != 3 ||
          !is_element((*parts)[0], k_namespace, "Name") || !string_of((*parts)[0], out.name) ||
          !is_element((*parts)[1], k_namespace, "Value") || !string_of((*parts)[1], out.value) ||
          !is_element((*parts)[2], k_namespace, "OriginalHeader") || !string_of((*parts)[2], out.original_header)) {
        m_good = false;
        return;
      }
      m_values.metadata.push_back(std::move(out));
    }
  }

  void acknowledge(Signature signature) {
    string("Sender", m_values.sender);
    metadata(take(k_namespace, "Metadata"));
    string("Subject", m_values.subject);
    string("Text", m_values.text);
    string("Hash", m_values.hash);
    time();
    if (const xmlNode* delivery = take(k_namespace, "DeliveryTime")) m_values.delivery_time = time_of(delivery);
    if (signature == Signature::expected) m_good = take(k_dsig, "Signature") != nullptr && m_good;
  }

  void notification() {
    string("Subject", m_values.subject);
    string("Text", m_values.text);
    time();
    string("Sender", m_values.sender);
  }

  ReadConfirmation m_out;
  Confirmation m_values;
  std::vector<xmlNode*> m_rest;
  bool m_good = true;
};

// Reads digits and the characters between them, in order.
class TimeScanner {
 public:
  explicit TimeScanner(std::string_view text) : m_text(text) {}
  int number(std::size_t digits, int low, int high) {
    int out = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const char c = m_at < m_text.size() ? m_text[m_at++] : '\0';
      m_good = m_good && c >= '0' && c <= '9';
      out = out * 10 + (c - '0');
    }
    m_good = m_good && out >= low && out <= high;
    return out;
  }
  bool take(char c) {
    if (m_at == m_text.size() || m_text[m_at] != c) return false;
    ++m_at;
    return true;
  }
  void demand(char c) { m_good = take(c) && m_good; }
  // "." and at least one digit; what is below a millisecond is cut off
  std::chrono::milliseconds fraction() {
    int out = 0, scale = 100;
    std::size_t digits = 0;
    for (; m_at < m_text.size() && m_text[m_at] >= '0' && m_text[m_at] <= '9'; ++m_at, ++digits, scale /= 10)
      out += (m_text[m_at] - '0') * scale;
    m_good = m_good && digits > 0;
    return std::chrono::milliseconds(out);
  }
  bool good_at_end() const { return m_good && m_at == m_text.size(); }

 private:
  std::string_view m_text;
  std::size_t m_at = 0;
  bool m_good = true;
};

}  // namespace

std::string_view trim_xml(std::string_view text) {
  const auto from = text.find_first_not_of(k_blanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(k_blanks) - from + 1);
}

std::optional<XmlTime> parse_xml_time(std::string_view text) {
  using namespace std::chrono;
  TimeScanner s(trim_xml(text));
  const year y{s.number(4, 1, 9999)};
  s.demand('-');
  const month m{static_cast<unsigned>(s.number(2, 1, 12))};
  s.demand('-');
  const day d{static_cast<unsigned>(s.number(2, 1, 31))};
  s.demand('T');
  const int hour = s.number(2, 0, 24);
  s.demand(':');
  const int minute = s.number(2, 0, 59);
  s.demand(':');
  const int second = s.number(2, 0, 59);
  milliseconds fraction{0};
  if (s.take('.')) fraction = s.fraction();
  minutes offset{0};
  XmlTime out;
  if (s.take('Z')) {
    out.has_zone = true;
  } else if (const bool east = s.take('+'); east || s.take('-')) {
    const int hours_off = s.number(2, 0, 14);
    s.demand(':');
    offset = hours(hours_off) + minutes(s.number(2, 0, hours_off == 14 ? 0 : 59));
    if (!east) offset = -offset;
    out.has_zone = true;
  }
  const year_month_day date{y, m, d};
  // 24:00:00 is the first moment of the next day
  if (!s.good_at_end() || !date.ok() || (hour == 24 && (minute != 0 || second != 0 || fraction.count() != 0)))
    return std::nullopt;
  out.time = sys_days{date} + hours(hour) + minutes(minute) + seconds(second) + fraction - offset;
  return out;
}

std::string root_name(base::ByteView bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  while (true) {
    bytes = trim_xml(bytes);
    if (!bytes.starts_with("<?") && !bytes.starts_with("<!--")) break;
    const std::string_view end = bytes.starts_with("<?") ? "?>" : "-->";
    const auto at = bytes.find(end);
    if (at == base::ByteView::npos) return {};
    bytes.remove_prefix(at + end.size());
  }
  // with a DTD it will be refused as what it says it is
  constexpr std::string_view k_doctype = "<!DOCTYPE";
  if (bytes.starts_with(k_doctype))
    bytes = trim_xml(bytes.substr(k_doctype.size()));
  else if (bytes.starts_with('<'))
    bytes.remove_prefix(1);
  else
    return {};
  const std::string_view name = bytes.substr(0, bytes.find_first_of(" \t\r\n/>["));
  const auto colon = name.rfind(':');
  return std::string(colon == std::string_view::npos ? name : name.substr(colon + 1));
}

ReadConfirmation read_confirmation(base::ByteView xml, Signature signature) { return Reader().read(xml, signature); }

}  // namespace demail
