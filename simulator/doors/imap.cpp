#include "simulator/doors/imap.hpp"

#include <algorithm>
#include <charconv>

#include "base/core/bytes.hpp"
#include "simulator/doors/imap_items.hpp"

namespace simulator {
namespace {

constexpr const char* k_capability = "IMAP4rev1 AUTH=PLAIN AUTH=EXTERNAL SASL-IR UIDPLUS";

// "{12}" or "{12+}" at the end of a line.
struct Literal {
  std::size_t size = 0;
  bool waits = true;
};
std::optional<Literal> literal_at_end(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  const auto open = line.rfind('{');
  if (open == std::string_view::npos) return std::nullopt;
  std::string_view digits = line.substr(open + 1, line.size() - open - 2);
  Literal out;
  if (digits.ends_with('+')) {
    out.waits = false;
    digits.remove_suffix(1);
  }
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.size);
  if (error != std::errc{} || end != digits.data() + digits.size() || out.size > k_max_mail_line) return std::nullopt;
  return out;
}

bool needs_selection(std::string_view name) {
  for (const char* known :
       {"SEARCH", "FETCH", "STORE", "EXPUNGE", "CLOSE", "CHECK", "UID SEARCH", "UID FETCH", "UID STORE", "UID EXPUNGE"})
    if (name == known) return true;
  return false;
}

std::string flags_of(const Stored& message) {
  std::string out;
  for (const std::string& flag : message.flags) out += (out.empty() ? "" : " ") + flag;
  return "(" + out + ")";
}

}  // namespace

std::string Imap::greeting() {
  return std::string("* OK [CAPABILITY ") + k_capability + "] " + provider_of(m_side).hostname + " ready\r\n";
}

std::string Imap::feed(std::string_view bytes) {
  m_in += bytes;
  while (!m_over) {
    const auto crlf = m_in.find("\r\n", m_literal);
    if (crlf == std::string::npos) {
      if (m_in.size() > 2 * k_max_mail_line) {
        m_out += "* BYE line too long\r\n";
        m_over = true;
      }
      break;
    }
    const std::string line = m_in.substr(0, crlf);
    if (const auto literal = m_sasl ? std::nullopt : literal_at_end(std::string_view(line).substr(m_literal))) {
      if (m_in.size() < crlf + 2 + literal->size) {
        // said once: m_literal stands behind the line that asked
        if (literal->waits && m_in.size() == crlf + 2) m_out += "+ go on\r\n";
        break;
      }
      m_literal = crlf + 2 + literal->size;
      continue;
    }
    m_in.erase(0, crlf + 2);
    m_literal = 0;
    if (m_sasl) {
      const std::string tag = *std::exchange(m_sasl, std::nullopt);
      const auto credentials = plain_credentials(line);
      m_out += tag + " " +
               (credentials ? logged_in(log_in(m_world, m_side, m_shown, credentials->first, credentials->second))
                            : "NO not understood") +
               "\r\n";
      continue;
    }
    const auto command = parse_imap(line);
    if (!command) {
      m_out += "* BAD not a command\r\n";
      continue;
    }
    const std::string answer = act(*command);
    if (!answer.empty()) m_out += command->tag + " " + answer + "\r\n";
  }
  return std::exchange(m_out, {});
}

std::string Imap::act(const ImapCommand& c) {
  if (const std::string answer = any_state(c); !answer.empty() || m_sasl) return answer;
  if (!m_login) return "BAD log in first";
  if (c.name == "SELECT" || c.name == "EXAMINE") return select(c);
  if (c.name == "STATUS") return status(c);
  if (c.name == "LIST" || c.name == "LSUB") {
    m_out += "* " + c.name + " () \"/\" INBOX\r\n";
    return "OK listed";
  }
  if (!needs_selection(c.name)) return "BAD not known here";
  if (!m_selected) return "BAD select a mailbox first";
  const bool by_uid = c.name.starts_with("UID ");
  const std::string_view verb = std::string_view(c.name).substr(by_uid ? 4 : 0);
  if (verb == "SEARCH") return search(c, by_uid);
  if (verb == "FETCH") return fetch(c, by_uid);
  if (verb == "STORE") return store(c, by_uid);
  if (verb == "EXPUNGE" && by_uid) {
    const auto set = c.arguments.empty() ? std::nullopt : find_set(c.arguments[0], true);
    return set ? expunge(set) : "BAD which?";
  }
  if (verb == "EXPUNGE") return expunge(std::nullopt);
  if (verb == "CHECK") return "OK checked";
  const std::string told = std::exchange(m_out, {});
  const std::string done = m_read_only ? "OK" : expunge(std::nullopt);
  m_out = told;  // CLOSE says nothing of what it removed
  m_selected = false;
  return done.starts_with("OK") ? "OK closed" : done;
}

std::string Imap::any_state(const ImapCommand& c) {
  if (c.name == "CAPABILITY") {
    m_out += std::string("* CAPABILITY ") + k_capability + "\r\n";
    return "OK that is all";
  }
  if (c.name == "NOOP") {
    refresh(true);
    return "OK nothing done";
  }
  if (c.name == "LOGOUT") {
    m_out += "* BYE until next time\r\n";
    m_over = true;
    return "OK logged out";
  }
  if (c.name != "LOGIN" && c.name != "AUTHENTICATE") return {};
  if (m_login) return "BAD logged in already";
  if (c.name == "AUTHENTICATE") return authenticate(c);
  if (c.arguments.size() != 2) return "BAD name and password";
  return logged_in(log_in(m_world, m_side, m_shown, c.arguments[0], c.arguments[1]));
}

std::string Imap::authenticate(const ImapCommand& c) {
  const std::string mechanism = c.arguments.empty() ? "" : base::to_lower(c.arguments[0]);
  if (mechanism == "external" && c.arguments.size() == 2) return logged_in(log_in(m_world, m_shown));
  if (mechanism != "plain") return "NO mechanism not known";
  if (c.arguments.size() == 2) {
    const auto credentials = plain_credentials(c.arguments[1]);
    return credentials ? logged_in(log_in(m_world, m_side, m_shown, credentials->first, credentials->second))
                       : "NO not understood";
  }
  m_sasl = c.tag;
  m_out += "+ \r\n";
  return {};
}

std::string Imap::logged_in(std::optional<MailboxLogin> login) {
  if (!login) return "NO [AUTHENTICATIONFAILED] wrong";
  m_login = login;
  return "OK logged in";
}

std::string Imap::select(const ImapCommand& c) {
  m_selected = false;
  if (c.arguments.size() != 1 || !base::equal_ignoring_case(c.arguments[0], "INBOX"))
    return "NO [NONEXISTENT] there is INBOX alone";
  m_view.clear();
  for (const Stored& m : box().messages())
    if (Mailbox::is_visible(m, m_login->level)) m_view.push_back(m.uid);
  m_selected = true;
  m_read_only = c.name == "EXAMINE";
  m_out += "* " + std::to_string(m_view.size()) +
           " EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)\r\n";
  m_out += "* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft \\*)] yours\r\n";
  m_out += "* OK [UIDVALIDITY " + std::to_string(box().uid_validity) + "] as long as they hold\r\n";
  m_out += "* OK [UIDNEXT " + std::to_string(box().next_uid()) + "] the next\r\n";
  return m_read_only ? "OK [READ-ONLY] selected" : "OK [READ-WRITE] selected";
}

std::string Imap::status(const ImapCommand& c) {
  if (c.arguments.empty() || !base::equal_ignoring_case(c.arguments[0], "INBOX")) return "NO [NONEXISTENT] there is INBOX alone";
  std::size_t all = 0, unseen = 0;
  for (const Stored& m : box().messages()) {
    if (!Mailbox::is_visible(m, m_login->level)) continue;
    ++all;
    unseen += m.flags.contains("\\Seen") ? 0 : 1;
  }
  m_out += "* STATUS INBOX (MESSAGES " + std::to_string(all) + " UNSEEN " + std::to_string(unseen) + " UIDNEXT " +
           std::to_string(box().next_uid()) + " UIDVALIDITY " + std::to_string(box().uid_validity) + ")\r\n";
  return "OK told";
}

// New messages come to the end; what others removed is told where the standard allows it (RFC 3501 section 7.4.1).
void Imap::refresh(bool with_removals) {
  if (!m_selected) return;
  for (std::size_t i = m_view.size(); with_removals && i > 0; --i) {
    if (box().find(m_view[i - 1]) != nullptr) continue;
    m_view.erase(m_view.begin() + static_cast<std::ptrdiff_t>(i - 1));
    m_out += "* " + std::to_string(i) + " EXPUNGE\r\n";
  }
  const std::uint32_t last = m_view.empty() ? 0 : m_view.back();
  const std::size_t before = m_view.size();
  for (const Stored& m : box().messages())
    if (m.uid > last && Mailbox::is_visible(m, m_login->level)) m_view.push_back(m.uid);
  if (m_view.size() != before) m_out += "* " + std::to_string(m_view.size()) + " EXISTS\r\n";
}

std::optional<std::vector<std::size_t>> Imap::find_set(std::string_view text, bool by_uid) const {
  const std::uint32_t most = by_uid ? (m_view.empty() ? 0 : m_view.back()) : static_cast<std::uint32_t>(m_view.size());
  const auto ranges = parse_set(text, most);
  if (!ranges) return std::nullopt;
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < m_view.size(); ++i) {
    const std::uint32_t number = by_uid ? m_view[i] : static_cast<std::uint32_t>(i + 1);
    if (std::any_of(ranges->begin(), ranges->end(), [&](const auto& r) { return r.first <= number && number <= r.second; }))
      out.push_back(i);
  }
  return out;
}

std::string Imap::search(const ImapCommand& c, bool by_uid) {
  refresh(by_uid);
  std::vector<bool> in(m_view.size(), true);
  for (std::size_t k = 0; k < c.arguments.size(); ++k) {
    const std::string key = base::to_lower(c.arguments[k]);
    std::optional<std::vector<std::size_t>> set;
    if (key == "uid" && k + 1 < c.arguments.size())
      set = find_set(c.arguments[++k], true);
    else if (!key.empty() && (key[0] == '*' || (key[0] >= '0' && key[0] <= '9')))
      set = find_set(key, false);
    else if (key == "charset" && k + 1 < c.arguments.size()) {
      ++k;
      continue;
    }
    for (std::size_t i = 0; i < m_view.size(); ++i) {
      const Stored* m = box().find(m_view[i]);
      const auto has = [&](const char* flag) { return m != nullptr && m->flags.contains(flag); };
      bool match = false;
      if (set)
        match = std::find(set->begin(), set->end(), i) != set->end();
      else if (key == "all")
        match = true;
      else if (key == "seen")
        match = has("\\Seen");
      else if (key == "unseen")
        match = !has("\\Seen");
      else if (key == "deleted")
        match = has("\\Deleted");
      else if (key == "undeleted")
        match = !has("\\Deleted");
      else
        return "BAD search key not known";
      in[i] = in[i] && match && m != nullptr;
    }
  }
  m_out += "* SEARCH";
  for (std::size_t i = 0; i < m_view.size(); ++i)
    if (in[i]) m_out += " " + std::to_string(by_uid ? m_view[i] : static_cast<std::uint32_t>(i + 1));
  m_out += "\r\n";
  return "OK searched";
}

std::string Imap::fetch(const ImapCommand& c, bool by_uid) {
  if (c.arguments.size() != 2) return "BAD a set and items";
  const auto set = find_set(c.arguments[0], by_uid);
  if (!set) return "BAD not a set";
  for (const std::size_t at : *set) {
    bool known = true;
    const std::string line = fetch_one(at, c.arguments[1], by_uid, known);
    if (!known) return "BAD item not known";
    m_out += line;
  }
  refresh(by_uid);
  return "OK fetched";
}

std::string Imap::fetch_one(std::size_t at, std::string_view items, bool by_uid, bool& known) {
  Stored* m = box().find(m_view[at]);
  if (m == nullptr) return {};
  std::vector<std::string> all = split_items(items);
  const auto is_uid = [](const std::string& item) { return base::equal_ignoring_case(item, "UID"); };
  if (by_uid && std::none_of(all.begin(), all.end(), is_uid)) all.insert(all.begin(), "UID");
  std::string out;
  bool seen = false;
  for (const std::string& item : all) {
    const std::string word = base::to_lower(item);
    out += out.empty() ? "" : " ";
    if (word == "uid")
      out += "UID " + std::to_string(m->uid);
    else if (word == "flags")
      out += "FLAGS " + flags_of(*m);
    else if (word == "rfc822.size")
      out += "RFC822.SIZE " + std::to_string(m->bytes.size());
    else if (word == "internaldate")
      out += "INTERNALDATE \"" + imap_date(m->arrived) + "\"";
    else {
      const auto section = parse_section(item);
      known = known && section.has_value();
      if (!section) return {};
      const std::string bytes = section->of(m->bytes);
      out += section->label + " {" + std::to_string(bytes.size()) + "}\r\n" + bytes;
      seen = seen || !section->peek;
    }
  }
  if (seen && !m_read_only && m->flags.insert("\\Seen").second) out += " FLAGS " + flags_of(*m);
  return "* " + std::to_string(at + 1) + " FETCH (" + out + ")\r\n";
}

std::string Imap::store(const ImapCommand& c, bool by_uid) {
  const auto set = c.arguments.size() < 3 ? std::nullopt : find_set(c.arguments[0], by_uid);
  if (!set) return "BAD a set, what to do, flags";
  if (m_read_only) return "NO read-only";
  std::string what = base::to_lower(c.arguments[1]);
  const bool silent = what.ends_with(".silent");
  if (silent) what.resize(what.size() - 7);
  if (what != "flags" && what != "+flags" && what != "-flags") return "BAD FLAGS, +FLAGS or -FLAGS";
  std::vector<std::string> flags;
  for (std::size_t i = 2; i < c.arguments.size(); ++i)
    for (std::string& flag : split_items(c.arguments[i])) flags.push_back(canonical_flag(flag));
  bool kept = false;
  for (const std::size_t at : *set) {
    Stored* m = box().find(m_view[at]);
    if (m == nullptr) continue;
    if (what == "flags") m->flags.clear();
    for (const std::string& flag : flags) {
      const bool refused = flag == "\\Deleted" && what != "-flags" && !box().may_delete(*m, m_login->level, m_world.now());
      kept = kept || refused;
      if (what == "-flags")
        m->flags.erase(flag);
      else if (!refused)
        m->flags.insert(flag);
    }
    if (!silent)
      m_out += "* " + std::to_string(at + 1) + " FETCH (" + (by_uid ? "UID " + std::to_string(m->uid) + " " : "") + "FLAGS " +
               flags_of(*m) + ")\r\n";
  }
  return kept ? "NO [NOPERM] a confirmation was asked for it: 90 days, or a login at the level high" : "OK stored";
}

std::string Imap::expunge(const std::optional<std::vector<std::size_t>>& only) {
  if (m_read_only) return "NO read-only";
  for (std::size_t i = m_view.size(); i > 0; --i) {
    if (only && std::find(only->begin(), only->end(), i - 1) == only->end()) continue;
    const Stored* m = box().find(m_view[i - 1]);
    if (m != nullptr && m->flags.contains("\\Deleted")) box().remove(m_view[i - 1]);
  }
  refresh(true);
  return "OK expunged";
}

}  // namespace simulator
