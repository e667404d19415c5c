#include <unistd.h>

#include <ostream>
#include <sstream>

#include <boost/json/array.hpp>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "gateway/app/control_client.hpp"
#include "gateway/app/owner.hpp"
#include "gateway/app/render.hpp"
#include "gateway/app/start.hpp"
#include "gateway/config/load.hpp"
#include "gateway/store/errors.hpp"
#include "receipts/verify/fsck.hpp"
#include "receipts/verify/receipt_file.hpp"

namespace app {
namespace {

constexpr base::ByteCount k_max_vkey = base::kib(4);
constexpr base::ByteCount k_max_against = base::mib(16);
constexpr std::size_t k_max_shown_line = 64 * 1024;

void render_search(std::ostream& out, const json::object& answer) {
  Columns columns({"MESSAGE", "TIME", "STATE", "FROM", "TO", "SUBJECT"});
  for (const json::value& item : array_of(answer, "messages")) {
    const json::object& m = item.get_object();
    columns.add({text_of(m, "mid"), local_time(text_of(m, "time")), joined(texts_of(m, "states")) + (flag_of(m, "closed") ? "" : " (open)"),
                 flag_of(m, "erased") ? "(erased)" : shown(text_of(m, "from"), 60), joined(texts_of(m, "to")), shown(text_of(m, "subject"), 80)});
  }
  if (columns.empty())
    out << "nothing found\n";
  else
    columns.print(out);
  if (flag_of(answer, "more")) out << "there are more: narrow the search, or --limit N\n";
}

void render_show(std::ostream& out, const json::object& answer) {
  out << shown(text_of(answer, "id")) << ": " << joined(texts_of(answer, "states")) << "\n\n";
  render_timeline(out, array_of(answer, "timeline"));
}

void render_config(std::ostream& out, const json::object& answer) {
  for (const json::value& item : array_of(answer, "files")) {
    if (!item.is_object()) continue;
    const json::object& file = item.get_object();
    out << "# " << shown(text_of(file, "name")) << "\n";
    const auto text = base::parse_base64(text_of(file, "base64"));
    std::istringstream lines(text ? *text : std::string());
    for (std::string line; std::getline(lines, line);) out << shown(line, k_max_shown_line) << "\n";
  }
}

bool is_count(const std::string& text) { return !text.empty() && text.size() <= 4 && text.find_first_not_of("0123456789") == std::string::npos; }

int run_search(const Invocation& i) {
  json::object request{{"command", "receipts.search"}};
  for (const auto& [option, key] : {std::pair{"--sender", "sender"}, {"--recipient", "recipient"}, {"--message-id", "message_id"}, {"--since", "since"},
                                    {"--until", "until"}, {"--department", "department"}, {"--subject", "subject"}, {"--state", "state"}})
    if (i.has(option)) request[key] = i.one(option);
  const std::string limit = i.one("--limit", "100");
  if (!is_count(limit)) {
    i.err << "amtsbote: --limit must be a number up to 1000\n";
    return k_exit_error;
  }
  request["limit"] = std::stoi(limit);
  return run_live(i, std::move(request), render_search);
}

int run_config(const Invocation& i) { return run_live(i, {{"command", "receipts.config"}, {"hash", i.one("HASH")}}, render_config); }

int run_show(const Invocation& i) { return run_live(i, {{"command", "receipts.show"}, {"id", i.one("ID")}}, render_show); }

// Names come from the daemon: nothing of them may lead out of the directory.
bool is_file_name(std::string_view name) { return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos && name.size() < 200; }

base::Result<void> write_files(const base::fs::path& directory, const json::object& files) {
  if (auto made = base::make_directories(directory, 0755); !made) return made;
  for (const auto& file : files) {
    const std::string name(file.key());
    if (!is_file_name(name) || !file.value().is_string()) return base::fail(base::k_malformed, "a file name in the answer");
    if (auto done = base::write_file_durably(directory / name, std::string(file.value().get_string())); !done) return done;
  }
  return base::Done{};
}

int run_prove(const Invocation& i) {
  json::object answer = answer_of(i, {{"command", "receipts.prove"}, {"id", i.one("ID")}});
  if (!flag_of(answer, "ok")) return print_answer(i, answer, nullptr);
  const base::fs::path directory = i.one("--output");
  if (auto done = write_files(directory, object_of(answer, "files")); !done) return print_answer(i, error_answer(done.error().detail, k_exit_error), nullptr);
  for (const auto& file : object_of(answer, "evidence")) {
    const auto bytes = file.value().is_string() ? base::parse_base64(file.value().get_string()) : base::fail(base::k_malformed, "no text");
    const std::string name(file.key());
    const auto done = !bytes || !is_file_name(name) ? base::Result<void>(base::fail(base::k_malformed, "evidence in the answer")) : base::write_file_durably(directory / name, *bytes);
    if (!done) return print_answer(i, error_answer(done.error().detail, k_exit_error), nullptr);
  }
  json::array names;
  for (const auto& file : object_of(answer, "evidence")) names.emplace_back((directory / std::string(file.key())).string());
  answer.erase("evidence");
  for (const auto& file : object_of(answer, "files")) names.emplace_back((directory / std::string(file.key())).string());
  answer["files"] = std::move(names);
  return print_answer(i, answer, [](std::ostream& out, const json::object& told) {
    for (const std::string& name : texts_of(told, "files")) out << name << "\n";
  });
}

// A verifier key as text, or a file that holds it.
base::Result<receipts::VerifierKey> read_vkey(const std::string& text) {
  if (auto key = receipts::parse_vkey(text)) return key;
  auto file = base::read_file(text, k_max_vkey);
  if (!file) return base::fail(base::k_not_found, "--vkey is no verifier key and no file that could be read: " + file.error().detail);
  auto key = receipts::parse_vkey(base::trim(std::string_view(*file).substr(0, file->find_first_of("\r\n"))));
  if (!key) return base::fail(base::k_malformed, text + " does not hold a verifier key (name+hash+key)");
  return key;
}

// Needs the store for itself, so it asks no daemon: while one runs, nothing is behind.
int run_new_epoch(const Invocation& i) {
  const std::string reason = i.one("--reason");
  const auto loaded = config::load_config(i.one("--config", k_default_config));
  if (loaded.options == nullptr) {
    for (const auto& fault : loaded.faults) i.err << policies::format_fault(fault) << "\n";
    return print_answer(i, error_answer("the configuration has faults", k_exit_error), nullptr);
  }
  if (base::trim(reason).empty()) return print_answer(i, error_answer("--reason must say why", k_exit_error), nullptr);
  const std::string who = make_caller(::geteuid(), false).text();
  const AsOwner as_owner(loaded.options->site.state_directory);
  const auto store = open_store(*loaded.options, store::Recovery{reason, who});
  if (!store) {
    const bool is_whole = store.error().code == store::k_not_needed;
    return print_answer(i, error_answer(is_whole ? "the log is whole: no new epoch is needed" : store.error().describe(), is_whole ? k_exit_no : k_exit_error),
                        nullptr);
  }
  if (const auto published = (*store)->publish_now(); !published) return print_answer(i, error_answer(published.error().describe(), k_exit_error), nullptr);
  json::object answer = good_answer();
  answer["origin"] = (*store)->verifier_key().name;
  answer["vkey"] = receipts::format_vkey((*store)->verifier_key());
  return print_answer(i, answer, [](std::ostream& out, const json::object& told) {
    out << "the log goes on as " << text_of(told, "origin") << "\nkey: " << text_of(told, "vkey") << "\n";
  });
}

int exit_of(receipts::Verdict verdict) {
  switch (verdict) {
    case receipts::Verdict::passed: return k_exit_good;
    case receipts::Verdict::failed: return k_exit_no;
    case receipts::Verdict::indeterminate: return k_exit_error;
  }
  return k_exit_error;
}

int complain(const Invocation& i, const std::string& text) {
  i.err << "amtsbote: " << shown(text) << "\n";
  return k_exit_error;
}

int run_verify(const Invocation& i) {
  const auto key = read_vkey(i.one("--vkey"));
  if (!key) return complain(i, key.error().detail);
  int exit = k_exit_good;
  for (const std::string& path : i.all("FILE")) {
    const auto text = base::read_file(path, {receipts::k_max_receipt_file});
    if (!text) return complain(i, text.error().detail);
    const receipts::Report report = receipts::verify_receipt_file(*text, *key);
    if (i.wants_json())
      i.out << receipts::format_json(report) << "\n";
    else
      i.out << shown(path) << "\n" << receipts::format_text(report);
    // a forgery weighs more than what cannot be told
    const int one = exit_of(report.verdict());
    if (exit != k_exit_no && one != k_exit_good) exit = one;
  }
  return exit;
}

int run_fsck(const Invocation& i) {
  const auto key = read_vkey(i.one("--vkey"));
  if (!key) return complain(i, key.error().detail);
  receipts::FsckOptions options{i.one("DIR"), *key, {}};
  for (const std::string& path : i.all("--against")) {
    auto text = base::read_file(path, k_max_against);
    if (!text) return complain(i, text.error().detail);
    options.against.push_back(*std::move(text));
  }
  const receipts::Report report = receipts::fsck(options);
  i.out << (i.wants_json() ? receipts::format_json(report) + "\n" : receipts::format_text(report));
  return exit_of(report.verdict());
}

Command new_epoch_command() {
  return {"receipts new-epoch", "Goes on after the database fell behind its published log",
          "A start refuses when the published log holds what the database does not know, as after the restore of a backup: it would fork the log. This opens a new "
          "epoch whose first leaf says who opened it, why, and how much the database still had; the older epoch is never continued, and auditors see it in every "
          "fsck. Mail that the older epoch tells of as sent may be in the restored queue and go out again: look at queue list first. No daemon may run.",
          {{"--reason", "TEXT", "Why, for the log: a disclosure that auditors read", true}, k_config_option, k_json_option},
          "0  opened\n1  the log is whole: nothing was changed\n2  the store is in use or could not be opened",
          "amtsbote receipts new-epoch --reason 'disk failed, restored the backup of Sunday'", run_new_epoch};
}

Command search_command() {
  return {"receipts search", "Finds messages in the evidence log",
          "All conditions must hold. Times are UTC: 2026-03-01 or 2026-03-01T08:15:00Z. A subject is searched by whole words of at least three letters, "
          "such as a file number. The search itself is written into the log, with your name.",
          {{"--sender", "ADDRESS", "From or reverse path: an address or a domain"},
           {"--recipient", "ADDRESS", "An address or a domain"},
           {"--message-id", "ID", "The Message-ID field, with or without its brackets"},
           {"--since", "TIME", "Accepted at this moment or later"},
           {"--until", "TIME", "Accepted before this moment, or on this day at the latest"},
           {"--department", "ID", "The sender's department, as the configuration names it"},
           {"--subject", "WORDS", "Words that all stand in the subject"},
           {"--state", "STATE", "open, closed, accepted, held, deferred, uncertain, handed_over, delivered, failed or cancelled"},
           {"--limit", "N", "At most that many, without it 100, at most 1000"},
           k_config_option,
           k_json_option},
          "0  found\n1  nothing found\n2  a condition is malformed, or the log could not be read",
          "amtsbote receipts search --department gesundheitsamt --subject 53-4711/26 --since 2026-03-01", run_search};
}

}  // namespace

std::vector<Command> receipts_commands() {
  const OptionSpec id{"ID", "", "A message (mid), or one receipt (eid) as the reply to the sender showed it", true};
  const OptionSpec vkey{"--vkey", "KEY", "The log's verifier key, or a file that holds it, of any of its epochs; get it from somebody you trust, not from the operator's archive", true};
  return {
      search_command(),
      {"receipts show", "Shows what the log tells of a message",
       "Leaf by leaf in the order of time, with the contents that can still be opened; erased contents are told as erased. Looking is written into the log, "
       "with your name.",
       {id, k_config_option, k_json_option}, "0  shown\n1  the log knows no such id\n2  the log could not be read", "amtsbote receipts show 01JQ3V5R8WPZ6T0X2B4N7M9K1C",
       run_show},
      {"receipts config", "Shows the configuration and policies that a receipt names",
       "Each receipt holds the hash of the files that were in force when it was written; receipts show tells it as cfg. The texts come from the archive, as they "
       "were read then, and are hashed again before they are shown. Looking is written into the log, with your name.",
       {{"HASH", "", "The hash, 64 hexadecimal digits", true}, k_config_option, k_json_option},
       "0  shown\n1  no configuration with this hash was ever in force\n2  the archive could not be read, or does not have this hash",
       "amtsbote receipts config aa4efb556fc31f7b0eb3c7c7b8e05576079bac3bc342dd668405ef48fbd5db7e", run_config},
      {"receipts prove", "Writes receipts with their proofs as files",
       "One file with all receipts of the message so far, one file for each of them, and the verifier key. Each receipt has its leaf, its disclosures and a "
       "C2SP tlog-proof against a checkpoint that is signed and published now. What a De-Mail provider said of the message lies "
       "beside them as it came, with the certificates and revocation lists that it was verified with (EID.message.eml and others). The export is written into the log, with your name. The files hold addresses and "
       "subjects: treat them as the message itself.",
       {id, {"--output,-o", "DIR", "Where to write; made if it is not there", true}, k_config_option, k_json_option},
       "0  written\n1  the log knows no such id\n2  they could not be made or written", "amtsbote receipts prove -o beweis 01JQ3V5R8WPZ6T0X2B4N7M9K1C", run_prove},
      {"receipts verify", "Verifies receipt files without daemon, database or network",
       "Each check is told by itself: the form of each leaf, its inclusion, the log's signature, the disclosures, the chain of the message.",
       {{"FILE", "", "A file of receipts", true, true}, vkey, k_config_option, k_json_option},
       "0  everything passed\n1  a check failed\n2  something could not be told, or read: a single receipt does not show the whole chain",
       "amtsbote receipts verify --vkey log.vkey 01JQ3V5R8WPZ6T0X2B4N7M9K1C.receipts.json", run_verify},
      {"receipts fsck", "Verifies a whole log directory without daemon, database or network",
       "Recomputes every tile from the entries, and checks the signature, each leaf, each message's chain and the balances, "
       "in a directory of several epochs also what links them. With --against the log must also begin "
       "with every checkpoint found in these files, such as the daily mail to the auditors.",
       {{"DIR", "", "The log directory with all epochs, the directory of one, or a copy", true}, vkey, {"--against", "FILE", "A text with earlier checkpoints", false, true}, k_config_option, k_json_option},
       "0  everything passed\n1  a check failed\n2  it could not be read or told", "amtsbote receipts fsck --vkey log.vkey --against mail-0301.eml /var/lib/amtsbote/log",
       run_fsck},
      new_epoch_command(),
  };
}

}  // namespace app
