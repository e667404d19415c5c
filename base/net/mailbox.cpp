#include "base/net/mailbox.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include <curl/curl.h>
#include <boost/asio/ip/address.hpp>

#include "base/core/errors.hpp"

namespace base::net {
namespace {

constexpr std::size_t k_longest_line = 2000;  // of an answer; what is longer is none that we asked for
constexpr std::size_t k_longest_uidl = 70;    // RFC 1939 section 7
constexpr std::size_t k_uids_a_command = 100;
constexpr long k_goodbye = 5;  // seconds: nothing is lost without the answer
// as tls.cpp has it: forward secrecy and authenticated encryption
constexpr const char* k_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM";

template <class T>
std::optional<T> number_at(std::string_view text, std::size_t at) {
  T out = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), out);
  if (error != std::errc{}) return std::nullopt;
  return out;
}

// The number behind a word, which stands at the beginning or behind a blank or an opening sign.
template <class T>
std::optional<T> number_behind(std::string_view upper, std::string_view word) {
  for (std::size_t at = upper.find(word); at != std::string_view::npos; at = upper.find(word, at + 1)) {
    const char before = at == 0 ? ' ' : upper[at - 1];
    if (before == ' ' || before == '(' || before == '[') return number_at<T>(upper, at + word.size());
  }
  return std::nullopt;
}

std::string to_upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

bool is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

// What libcurl's own codes mean here.
Code code_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return k_resolve;
    case CURLE_OPERATION_TIMEDOUT: return k_timeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR: return k_tls_untrusted;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_USE_SSL_FAILED: return k_tls;
    case CURLE_LOGIN_DENIED: return k_denied;
    case CURLE_ABORTED_BY_CALLBACK: return k_cancelled;
    case CURLE_FILESIZE_EXCEEDED: return k_too_large;
    case CURLE_REMOTE_FILE_NOT_FOUND: return k_not_found;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_QUOTE_ERROR: return k_malformed;
    default: return k_connection;
  }
}

// Lines out of pieces; a longer one than any that we ask for is passed over.
class Lines {
 public:
  explicit Lines(std::function<void(std::string_view)> take) : m_take(std::move(take)) {}
  void feed(ByteView bytes) {
    for (const char c : bytes) {
      if (c == '\n') {
        if (!m_line.empty() && m_line.back() == '\r') m_line.pop_back();
        if (!m_too_long) m_take(m_line);
        m_line.clear();
        m_too_long = false;
      } else if (m_line.size() < k_longest_line) {
        m_line += c;
      } else {
        m_too_long = true;
      }
    }
  }

 private:
  std::function<void(std::string_view)> m_take;
  std::string m_line;
  bool m_too_long = false;
};

// One handle of libcurl with one connection at most, and the rules that hold for every transfer.
class Session {
 public:
  using Sink = Mailbox::Sink;

  explicit Session(MailboxOptions options) : m_options(std::move(options)) {}
  ~Session() { end(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const MailboxOptions& options() const { return m_options; }
  const std::string& peer_address() const { return m_peer; }
  bool is_open() const { return m_is_connected; }

  void end() {
    if (m_curl != nullptr) {
      curl_easy_setopt(m_curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, k_goodbye);
      curl_easy_cleanup(m_curl);
    }
    m_curl = nullptr;
    if (m_addresses != nullptr) curl_slist_free_all(m_addresses);
    m_addresses = nullptr;
    m_is_connected = false;
  }

  // `path` as in the URL; `command` replaces the one that the path stands for, "" does not. Only the first transfer may connect:
  // what was learnt in one session says nothing about another.
  Result<void> transfer(const std::string& path, const std::string& command, std::chrono::seconds time, ByteCount limit,
                        const Sink& sink) {
    if (m_curl == nullptr)
      if (auto begun = begin(); !begun) return begun;
    m_sink = &sink;
    m_limit = limit.value;
    m_got = 0;
    m_why.reset();
    const std::string host = m_options.host.find(':') == std::string::npos ? m_options.host : "[" + m_options.host + "]";
    const std::string scheme = m_options.kind == MailboxKind::imap ? "imaps://" : "pop3s://";
    const std::string url = scheme + host + ":" + std::to_string(m_options.port) + "/" + path;
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_CUSTOMREQUEST, command.empty() ? nullptr : command.c_str());
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(time).count()));
    const CURLcode code = m_is_set ? curl_easy_perform(m_curl) : CURLE_BAD_FUNCTION_ARGUMENT;
    m_sink = nullptr;
    return judge(code);
  }

  std::string escaped(const std::string& text) {
    char* out = curl_easy_escape(m_curl, text.data(), static_cast<int>(text.size()));
    std::string copy = out == nullptr ? "" : out;
    curl_free(out);
    return copy;
  }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    m_is_set = curl_easy_setopt(m_curl, option, value) == CURLE_OK && m_is_set;
  }
  void set_blob(CURLoption option, ByteView bytes) {
    // not copied: a key stays where it is; the options outlive the handle
    curl_blob blob{const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_NOCOPY};
    set(option, &blob);
  }

  Result<void> begin() {
    static const CURLcode k_global = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (k_global == CURLE_OK) m_curl = curl_easy_init();
    if (m_curl == nullptr) return fail(k_connection, "libcurl does not start");
    m_is_set = true;
    set(CURLOPT_PROTOCOLS_STR, "imaps,pop3s");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");  // whatever the environment says
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(m_options.connect_time).count()));
    set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(m_options.reply_time.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(m_options.stall_time.count()));
    set(CURLOPT_WRITEFUNCTION, &Session::on_bytes);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Session::on_progress);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_ERRORBUFFER, m_text);
    set_tls();
    set(CURLOPT_USERNAME, m_options.user.c_str());
    SecretBytes password(m_options.password->size() + 1);  // zeroed: ends with NUL
    std::copy(m_options.password->view().begin(), m_options.password->view().end(), password.data());
    set(CURLOPT_PASSWORD, reinterpret_cast<const char*>(password.data()));
    set_addresses();
    if (m_is_set) return Done{};
    end();
    return fail(k_tls, "libcurl does not take the settings: a certificate, its key or the anchors");
  }

  void set_tls() {
    set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_CIPHER_LIST, k_ciphers);
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (m_options.anchors) {
      // a directory of authorities is built in and would be trusted as well
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
      set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
      set_blob(CURLOPT_CAINFO_BLOB, *m_options.anchors);
    }
    if (m_options.certificate && m_options.key) {
      set(CURLOPT_SSLCERTTYPE, "PEM");
      set(CURLOPT_SSLKEYTYPE, "PEM");
      set_blob(CURLOPT_SSLCERT_BLOB, *m_options.certificate);
      set_blob(CURLOPT_SSLKEY_BLOB, m_options.key->view());
    }
  }

  // Names were resolved already: libcurl's own way hangs beyond every deadline while a name server is silent.
  void set_addresses() {
    boost::system::error_code is_name;
    (void)boost::asio::ip::make_address(m_options.host, is_name);
    if (!is_name) return;
    std::string line = m_options.host + ":" + std::to_string(m_options.port) + ":";
    for (std::size_t i = 0; i < m_options.addresses.size(); ++i) {
      const std::string& address = m_options.addresses[i];
      line += (i == 0 ? "" : ",") + (address.find(':') == std::string::npos ? address : "[" + address + "]");
    }
    m_addresses = curl_slist_append(nullptr, line.c_str());
    set(CURLOPT_RESOLVE, m_addresses);
  }

  Result<void> judge(CURLcode code) {
    char* peer = nullptr;
    long connects = 0;
    curl_easy_getinfo(m_curl, CURLINFO_PRIMARY_IP, &peer);
    curl_easy_getinfo(m_curl, CURLINFO_NUM_CONNECTS, &connects);
    if (peer != nullptr && *peer != '\0') m_peer = peer;
    const bool is_another = m_is_connected && connects > 0;
    std::optional<Error> out;
    if (m_why)
      out = std::move(m_why);
    else if (code != CURLE_OK)
      out = fail(code_of(code), m_text[0] != '\0' ? std::string(m_text) : curl_easy_strerror(code));
    if (is_another) out = fail(k_connection, "the session ended between two commands");
    m_is_connected = true;
    m_text[0] = '\0';
    if (is_another || code != CURLE_OK) end();  // libcurl closes its connection after any error
    if (out) return *std::move(out);
    return Done{};
  }

  static std::size_t on_bytes(char* bytes, std::size_t one, std::size_t count, void* self) {
    return static_cast<Session*>(self)->take({bytes, one * count});
  }
  std::size_t take(ByteView bytes) {
    m_got += bytes.size();
    if (m_got <= m_limit && m_sink != nullptr && (*m_sink)(bytes)) return bytes.size();
    m_why = fail(k_too_large, "more than " + std::to_string(m_limit) + " bytes");
    return CURL_WRITEFUNC_ERROR;
  }
  static int on_progress(void* self, curl_off_t total, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Session*>(self)->look(total);
  }
  int look(curl_off_t total) {
    if (m_options.stop && m_options.stop->load()) {
      m_why = fail(k_cancelled);
      return 1;
    }
    // a literal says how long it is
    if (total <= 0 || static_cast<std::uint64_t>(total) <= m_limit) return 0;
    m_why = fail(k_too_large, std::to_string(total) + " bytes, more than " + std::to_string(m_limit));
    return 1;
  }

  MailboxOptions m_options;
  CURL* m_curl = nullptr;
  curl_slist* m_addresses = nullptr;
  bool m_is_set = true;  // every option was taken
  bool m_is_connected = false;
  char m_text[CURL_ERROR_SIZE] = {};
  std::string m_peer;
  const Sink* m_sink = nullptr;
  std::uint64_t m_limit = 0, m_got = 0;
  std::optional<Error> m_why;  // what a callback found
};

// A "no", and an answer that is no message, are one thing: this message is not to be had.
Result<void> as_fetched(Result<void> done) {
  if (!done && done.error().code == k_malformed) return fail(k_not_found, done.error().detail);
  return done;
}

class ImapMailbox : public Mailbox {
 public:
  explicit ImapMailbox(MailboxOptions options) : m_session(std::move(options)) {}

  Result<MailboxListing> list(std::uint32_t after) override {
    MailboxListing out;
    auto examined = examine();
    if (!examined) return std::move(examined).error();
    out.validity = m_validity = *examined;
    // the lowest of them, however they come: what is not taken now comes with the next listing
    std::map<std::uint32_t, MailboxEntry> lowest;
    Lines lines([&](std::string_view line) {
      auto entry = parse_fetch_line(line);
      // "n:*" always has the last message, also where n is above it (RFC 3501 section 6.4.8)
      if (!entry || entry->number <= after) return;
      lowest.insert_or_assign(entry->number, *std::move(entry));
      if (lowest.size() <= k_most_listed) return;
      lowest.erase(std::prev(lowest.end()));
      out.is_whole = false;
    });
    if (after == UINT32_MAX) return out;
    auto listed = command("UID FETCH " + std::to_string(after + 1) + ":* (UID RFC822.SIZE)", lines);
    if (!listed) return std::move(listed).error();
    for (auto& [uid, entry] : lowest) out.entries.push_back(std::move(entry));
    return out;
  }

  Result<void> fetch(const MailboxEntry& entry, ByteCount limit, const Sink& sink) override {
    if (!m_session.is_open()) return fail(k_connection, "the session is over");
    // libcurl asks for BODY[]; the mailbox is only examined, so no flag changes
    const std::string path = mailbox() + ";UIDVALIDITY=" + std::to_string(m_validity) + "/;UID=" + std::to_string(entry.number);
    return as_fetched(m_session.transfer(path, "", m_session.options().fetch_time, limit, sink));
  }

  Result<void> mark_seen(const std::vector<std::uint32_t>& uids) override {
    if (!m_session.is_open() || uids.empty()) return Done{};
    Lines nothing([](std::string_view) {});
    if (auto selected = command("SELECT " + quoted(), nothing); !selected) return selected;
    for (std::size_t at = 0; at < uids.size(); at += k_uids_a_command) {
      std::string set;
      for (std::size_t i = at; i < std::min(uids.size(), at + k_uids_a_command); ++i)
        set += (set.empty() ? "" : ",") + std::to_string(uids[i]);
      if (auto done = command("UID STORE " + set + " +FLAGS.SILENT (\\Seen)", nothing); !done) return done;
    }
    return Done{};
  }

  bool is_open() const override { return m_session.is_open(); }
  std::string peer_address() const override { return m_session.peer_address(); }

 private:
  std::string quoted() const { return "\"" + m_session.options().mailbox + "\""; }
  std::string mailbox() { return m_session.escaped(m_session.options().mailbox); }
  Result<void> command(const std::string& text, Lines& lines) {
    const Sink sink = [&](ByteView bytes) {
      lines.feed(bytes);
      return true;
    };
    return m_session.transfer(mailbox(), text, m_session.options().list_time, k_most_list_bytes, sink);
  }
  // Logs in; libcurl selects the mailbox of the path first, and remembers that it has.
  Result<std::uint32_t> examine() {
    std::optional<std::uint32_t> validity;
    Lines lines([&](std::string_view line) {
      if (const auto found = parse_uidvalidity_line(line)) validity = found;
    });
    if (auto done = command("EXAMINE " + quoted(), lines); !done) {
      // libcurl selects the path's mailbox first, and calls a "no" to that a denied login; its text alone tells them apart
      const bool is_unselected = done.error().code == k_denied && done.error().detail == "Select failed";
      const bool is_missing = is_unselected || done.error().code == k_not_found || done.error().code == k_malformed;
      return is_missing ? fail(k_malformed, "EXAMINE " + m_session.options().mailbox + ": " + done.error().detail) : done.error();
    }
    if (!validity) return fail(k_malformed, "the server names no UIDVALIDITY");
    return *validity;
  }

  Session m_session;
  std::uint32_t m_validity = 0;
};

class Pop3Mailbox : public Mailbox {
 public:
  explicit Pop3Mailbox(MailboxOptions options) : m_session(std::move(options)) {}

  Result<MailboxListing> list(std::uint32_t /*after*/) override {
    std::map<std::uint32_t, MailboxEntry> entries;
    bool is_too_long = false;
    const auto ids = read("UIDL", [&](std::uint32_t number, const std::string& word) {
      if (word.size() <= k_longest_uidl) entries[number] = {number, word, std::nullopt};
      is_too_long = is_too_long || entries.size() > k_most_in_pop3;
      return !is_too_long;
    });
    if (is_too_long)
      return fail(k_too_large, "more than " + std::to_string(k_most_in_pop3) + " messages in the mailbox: it must be emptied");
    if (!ids) return fail(ids.error().code, "UIDL: " + ids.error().detail);
    const auto sizes = read("LIST", [&](std::uint32_t number, const std::string& word) {
      if (const auto it = entries.find(number); it != entries.end()) it->second.size = number_at<std::uint64_t>(word, 0);
      return true;
    });
    if (!sizes) return fail(sizes.error().code, "LIST: " + sizes.error().detail);
    MailboxListing out;
    for (auto& [number, entry] : entries) out.entries.push_back(std::move(entry));
    return out;
  }

  Result<void> fetch(const MailboxEntry& entry, ByteCount limit, const Sink& sink) override {
    if (!m_session.is_open()) return fail(k_connection, "the session is over");
    return as_fetched(m_session.transfer(std::to_string(entry.number), "", m_session.options().fetch_time, limit, sink));
  }

  Result<void> mark_seen(const std::vector<std::uint32_t>&) override { return Done{}; }
  bool is_open() const override { return m_session.is_open(); }
  std::string peer_address() const override { return m_session.peer_address(); }

 private:
  Result<void> read(const std::string& command, const std::function<bool(std::uint32_t, const std::string&)>& take) {
    bool go_on = true;
    Lines lines([&](std::string_view line) {
      const auto read = parse_pop3_line(line);
      if (go_on && read) go_on = take(read->first, read->second);
    });
    const Sink sink = [&](ByteView bytes) {
      lines.feed(bytes);
      return go_on;
    };
    return m_session.transfer("", command, m_session.options().list_time, Mailbox::k_most_list_bytes, sink);
  }

  Session m_session;
};

}  // namespace

std::optional<MailboxEntry> parse_fetch_line(std::string_view line) {
  const std::string upper = to_upper(line);
  if (!upper.starts_with("* ") || upper.find(" FETCH (") == std::string::npos) return std::nullopt;
  const auto uid = number_behind<std::uint32_t>(upper, "UID ");
  if (!uid || *uid == 0) return std::nullopt;
  return MailboxEntry{*uid, "", number_behind<std::uint64_t>(upper, "RFC822.SIZE ")};
}

std::optional<std::uint32_t> parse_uidvalidity_line(std::string_view line) {
  const std::string upper = to_upper(line);
  if (!upper.starts_with("* OK ")) return std::nullopt;
  const auto out = number_behind<std::uint32_t>(upper, "UIDVALIDITY ");
  return out && *out != 0 ? out : std::nullopt;
}

std::optional<std::pair<std::uint32_t, std::string>> parse_pop3_line(std::string_view line) {
  const auto blank = line.find(' ');
  const auto number = number_at<std::uint32_t>(line, 0);
  if (!number || *number == 0 || blank == std::string_view::npos) return std::nullopt;
  const std::string_view rest = trim(line.substr(blank + 1));
  const std::string_view word = rest.substr(0, rest.find(' '));
  if (word.empty() || !std::all_of(word.begin(), word.end(), [](char c) { return c > 0x20 && c < 0x7F; })) return std::nullopt;
  return std::pair(*number, std::string(word));
}

Result<std::unique_ptr<Mailbox>> Mailbox::make(MailboxOptions options) {
  if (!options.password || options.host.empty() || options.port == 0) return fail(k_malformed, "host, port and password");
  if (!is_one_line(options.host) || !is_one_line(options.user) || !is_one_line(options.password->view()) ||
      !is_one_line(options.mailbox))
    return fail(k_malformed, "a name or password of several lines");
  if (options.mailbox.find_first_of("\"\\%") != std::string::npos)
    return fail(k_malformed, "a mailbox with a quote, backslash or per cent sign");
  if (options.addresses.empty()) return fail(k_no_such_domain, options.host + " has no address");
  if (options.kind == MailboxKind::imap) return std::unique_ptr<Mailbox>(std::make_unique<ImapMailbox>(std::move(options)));
  return std::unique_ptr<Mailbox>(std::make_unique<Pop3Mailbox>(std::move(options)));
}

}  // namespace base::net
