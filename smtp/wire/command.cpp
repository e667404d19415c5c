#include "smtp/wire/command.hpp"

#include <charconv>
#include <functional>
#include <map>
#include <vector>

#include "base/core/bytes.hpp"

namespace smtp {
namespace {

using Parsed = std::variant<Command, Reply>;

Reply syntax(const char* text) { return {501, "5.5.4", text}; }

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty() || text.size() > 19) return std::nullopt;
  return value;
}

// "<path> KEY=VALUE KEY" behind FROM: or TO:
struct PathAndParameters {
  std::string_view path;  // without < >
  std::vector<std::pair<std::string, std::optional<std::string>>> parameters;
};

std::optional<PathAndParameters> split_path(std::string_view text) {
  text = base::trim(text);
  if (!text.starts_with('<')) return std::nullopt;
  bool quoted = false;
  std::size_t end = 1;
  for (; end < text.size(); ++end) {
    if (text[end] == '\\' && quoted)
      ++end;
    else if (text[end] == '"')
      quoted = !quoted;
    else if (text[end] == '>' && !quoted)
      break;
  }
  if (end >= text.size()) return std::nullopt;
  PathAndParameters out;
  out.path = text.substr(1, end - 1);
  std::string_view rest = text.substr(end + 1);
  if (!rest.empty() && rest.front() != ' ') return std::nullopt;
  while (!(rest = base::trim(rest)).empty()) {
    const auto space = rest.find(' ');
    const std::string_view word = rest.substr(0, space);
    rest.remove_prefix(word.size());
    const auto equals = word.find('=');
    std::string key = base::to_lower(word.substr(0, equals));
    if (key.empty() || out.parameters.size() >= 20) return std::nullopt;
    out.parameters.emplace_back(std::move(key), equals == std::string_view::npos ? std::nullopt : std::optional(std::string(word.substr(equals + 1))));
  }
  return out;
}

std::optional<Reply> take_mail_parameter(const std::string& key, const std::optional<std::string>& value, MailParameters& out) {
  if (key == "size" && value) {
    out.size = parse_number(*value);
    return out.size ? std::nullopt : std::optional(syntax("SIZE is no number"));
  }
  if (key == "body" && value) {
    const std::string body = base::to_lower(*value);
    out.eight_bit = body == "8bitmime";
    return body == "7bit" || out.eight_bit ? std::nullopt : std::optional(syntax("BODY is 7BIT or 8BITMIME"));
  }
  if (key == "smtputf8" && !value) {
    out.smtputf8 = true;
    return std::nullopt;
  }
  if (key == "ret" && value) {
    const std::string ret = base::to_lower(*value);
    if (ret != "full" && ret != "hdrs") return syntax("RET is FULL or HDRS");
    out.ret_full = ret == "full";
    return std::nullopt;
  }
  if (key == "envid" && value) {
    const auto envid = decode_xtext(*value);
    if (!envid || envid->size() > 100 || envid->empty()) return syntax("ENVID");
    out.envid = *envid;
    return std::nullopt;
  }
  // RFC 4954 section 5: a trusted server may say for whom it speaks; nobody here is trusted with that
  if (key == "auth" && value) return std::nullopt;
  return Reply{555, "5.5.4", "MAIL FROM parameter not known"};
}

std::optional<Reply> take_notify(const std::string& value, RecipientParameters& out) {
  std::string_view rest = value;
  while (true) {
    const auto comma = rest.find(',');
    const std::string word = base::to_lower(rest.substr(0, comma));
    if (word == "never") out.notify.insert(Notify::never);
    else if (word == "success") out.notify.insert(Notify::success);
    else if (word == "failure") out.notify.insert(Notify::failure);
    else if (word == "delay") out.notify.insert(Notify::delay);
    else return syntax("NOTIFY");
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (out.notify.contains(Notify::never) && out.notify.size() > 1) return syntax("NOTIFY=NEVER stands alone");
  return std::nullopt;
}

std::optional<Reply> take_recipient_parameter(const std::string& key, const std::optional<std::string>& value, RecipientParameters& out) {
  if (key == "notify" && value) return take_notify(*value, out);
  if (key == "orcpt" && value) {
    const auto text = decode_xtext(*value);
    if (!text || text->size() > 500 || text->find(';') == std::string::npos) return syntax("ORCPT");
    out.orcpt = *text;
    return std::nullopt;
  }
  return Reply{555, "5.5.4", "RCPT TO parameter not known"};
}

Parsed parse_mail(std::string_view rest) {
  if (!base::starts_with_ignoring_case(rest, "from:")) return syntax("MAIL FROM:<address>");
  const auto split = split_path(rest.substr(5));
  if (!split) return syntax("MAIL FROM:<address>");
  smtp::Mail out;
  for (const auto& [key, value] : split->parameters)
    if (auto bad = take_mail_parameter(key, value, out.parameters)) return *bad;
  if (!split->path.empty()) {
    auto address = mail::Address::parse(split->path);
    if (!address) return Reply{553, "5.1.7", "Sender address is not valid"};
    if (!base::is_ascii(split->path) && !out.parameters.smtputf8) return Reply{553, "5.6.7", "Address needs SMTPUTF8"};
    out.reverse_path = *std::move(address);
  }
  return Command{std::move(out)};
}

Parsed parse_rcpt(std::string_view rest) {
  if (!base::starts_with_ignoring_case(rest, "to:")) return syntax("RCPT TO:<address>");
  const auto split = split_path(rest.substr(3));
  if (!split) return syntax("RCPT TO:<address>");
  auto address = mail::Address::parse(split->path);
  if (!address) return Reply{553, "5.1.3", "Recipient address is not valid"};
  Rcpt out{*std::move(address), {}};
  for (const auto& [key, value] : split->parameters)
    if (auto bad = take_recipient_parameter(key, value, out.parameters)) return *bad;
  return Command{std::move(out)};
}

Parsed parse_bdat(std::string_view rest) {
  const auto space = rest.find(' ');
  const auto size = parse_number(rest.substr(0, space));
  if (!size) return syntax("BDAT size [LAST]");
  const std::string_view tail = space == std::string_view::npos ? std::string_view{} : base::trim(rest.substr(space));
  if (!tail.empty() && !base::equal_ignoring_case(tail, "last")) return syntax("BDAT size [LAST]");
  return Command{Bdat{*size, !tail.empty()}};
}

Parsed parse_hello(bool extended, std::string_view rest) {
  // the name decides nothing; it must only be harmless to write down, in Received for one (RFC 6531: ASCII)
  for (const char c : rest)
    if (static_cast<unsigned char>(c) <= 32 || static_cast<unsigned char>(c) >= 127) return syntax("HELO and EHLO take one name");
  if (rest.empty() || rest.size() > 255) return syntax("HELO and EHLO take one name");
  return Command{Hello{extended, std::string(rest)}};
}

Parsed parse_auth(std::string_view rest) {
  const auto space = rest.find(' ');
  Auth out{base::to_lower(rest.substr(0, space)), std::nullopt};
  if (out.mechanism.empty()) return syntax("AUTH mechanism");
  if (space != std::string_view::npos) out.initial = std::string(base::trim(rest.substr(space)));
  return Command{std::move(out)};
}

template <class C>
Parsed bare(std::string_view rest) {
  if (!rest.empty()) return syntax("This command takes no parameter");
  return Command{C{}};
}

}  // namespace

std::variant<Command, Reply> parse_command(std::string_view line) {
  static const std::map<std::string, std::function<Parsed(std::string_view)>, std::less<>> k_table = {
      {"ehlo", [](std::string_view r) { return parse_hello(true, r); }},
      {"helo", [](std::string_view r) { return parse_hello(false, r); }},
      {"mail", parse_mail},
      {"rcpt", parse_rcpt},
      {"data", bare<Data>},
      {"bdat", parse_bdat},
      {"rset", bare<Rset>},
      {"noop", [](std::string_view) { return Parsed{Command{Noop{}}}; }},
      {"quit", bare<Quit>},
      {"starttls", bare<StartTls>},
      {"auth", parse_auth},
      {"vrfy", [](std::string_view) { return Parsed{Command{Vrfy{}}}; }},
      {"help", [](std::string_view) { return Parsed{Command{Help{}}}; }},
  };
  const std::string_view verb = line.substr(0, line.find(' '));
  const auto row = k_table.find(base::to_lower(verb));
  if (row == k_table.end()) return Reply{500, "5.5.2", "Command not recognised"};
  if (line.find('\0') != std::string_view::npos || !base::is_utf8(line)) return syntax("NUL or broken UTF-8 in a command");
  return row->second(base::trim(line.substr(verb.size())));
}

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto u = static_cast<unsigned char>(text[i]);
    if (text[i] == '+') {
      const auto byte = base::parse_hex(text.substr(i + 1, 2));
      // a control character could become a header line of a report
      if (!byte || byte->size() != 1 || static_cast<unsigned char>((*byte)[0]) < 32 || (*byte)[0] == 127) return std::nullopt;
      out += *byte;
      i += 2;
    } else if (u < 33 || u == '=' || u == 127) {
      return std::nullopt;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string encode_xtext(std::string_view text) {
  static constexpr char k_digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u > 32 && u < 127 && c != '+' && c != '=') {
      out += c;
    } else {
      out += '+';
      out += k_digits[u >> 4];
      out += k_digits[u & 15];
    }
  }
  return out;
}

}  // namespace smtp
