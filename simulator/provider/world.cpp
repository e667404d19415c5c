#include "simulator/provider/world.hpp"

#include <algorithm>

#include "base/core/bytes.hpp"
#include "simulator/model/words.hpp"
#include "simulator/sign/seal.hpp"

namespace simulator {
namespace {

using demail::AuthLevel;
using demail::MessageType;
using demail::NotificationType;

std::vector<std::string> texts_of(const std::vector<mail::Address>& addresses) {
  std::vector<std::string> out;
  for (const mail::Address& a : addresses) out.push_back(a.text());
  return out;
}

std::vector<std::string> names_of(const demail::Options& o) {
  std::vector<std::string> out;
  for (const auto& [set, name] : {std::pair{o.dispatch, "dispatch"},
                                  {o.receipt, "receipt"},
                                  {o.retrieve, "retrieve"},
                                  {o.authoritative, "authoritative"},
                                  {o.personal, "private"}})
    if (set) out.emplace_back(name);
  return out;
}

std::string integrity_of(std::string_view header) {
  bool clean = true;
  const mail::Header parsed = mail::Header::parse_leniently(std::string(header), clean);
  const mail::HeaderField* field = parsed.find(demail::field::integrity);
  return field == nullptr ? std::string() : field->value();
}

// For a draft that was refused: what a notification about it can name.
std::pair<std::string, std::string> private_id_of(std::string_view message) {
  bool clean = true;
  const mail::Header parsed = mail::Header::parse_leniently(std::string(message.substr(0, message.find("\r\n\r\n") + 2)), clean);
  const mail::HeaderField* field = parsed.find(demail::field::private_id);
  if (field == nullptr || field->value().size() > demail::k_max_private_id) return {};
  return {field->value(), std::string(field->raw)};
}

}  // namespace

World::World(WorldSettings s, Directory d, Journal& journal, const base::Clock& clock)
    : settings(std::move(s)), directory(std::move(d)), m_journal(journal), m_clock(clock) {}

std::optional<Refusal> World::submit(const Login& login, const Envelope& envelope, std::string_view message, const char* answer) {
  auto checked = check_draft(directory, login, envelope, message);
  std::optional<Refusal> refusal;
  if (auto* r = std::get_if<Refusal>(&checked)) refusal = *r;
  if (!refusal) refusal = take_quota(login, envelope);
  if (refusal) {
    refuse(login, envelope, *refusal, message);
    if (settings.refuse_by_message && login.account != nullptr) return std::nullopt;
    return refusal;
  }
  const Draft& draft = std::get<Draft>(checked);
  std::vector<std::shared_ptr<const Letter>> letters;
  for (Letter& letter : write_letters(draft, login, now())) {
    if (draw(settings.misbehaviour.seed, "private-id", m_next_letter++) % 100 < settings.misbehaviour.drop_private_id) {
      letter.header.erase(letter.header.find(letter.private_id_field), letter.private_id_field.size());
      letter.keeps_private_id = false;
    }
    Seal how{settings.issue.hash, Scheme::none, &settings.issue.pki->of(letter.side).signer(settings.issue.scheme)};
    if (letter.options.authoritative || settings.sign_all) how.scheme = settings.issue.scheme;
    auto sealed = seal(letter.header, letter.body, letter.side, how);
    if (!sealed) return Refusal{Refused::invalid_format, sealed.error().detail};
    letter.header = *std::move(sealed);
    letter.integrity = integrity_of(letter.header);
    letters.push_back(std::make_shared<const Letter>(std::move(letter)));
  }
  JsonLine line;
  line.add("provider", name_of(login.account->side)).add("account", login.account->name).add("level", word_of(login.level));
  line.add("mechanism", login.mechanism).add("from", draft.sender.text()).add("private_id", draft.private_id);
  line.add("message_id", draft.message_id).add("subject", draft.subject).add("recipients", texts_of(envelope.recipients));
  line.add("options", names_of(draft.options)).add("body_sha256", base::to_hex(digest(Hash::sha256, draft.body)));
  line.add("answer", answer);
  m_journal.write("taken", line);
  for (const auto& letter : letters) dispatch(letter);
  if (on_change) on_change();
  return std::nullopt;
}

std::optional<Refusal> World::take_quota(const Login& login, const Envelope& envelope) {
  if (login.level == AuthLevel::high) return std::nullopt;
  Quota& quota = m_quotas[login.account->name];
  const auto today = std::chrono::floor<std::chrono::days>(now());
  if (quota.day != today) quota = {today, 0, 0};
  if (quota.messages + 1 > settings.messages_a_day)
    return Refusal{Refused::quota, std::to_string(settings.messages_a_day) + " messages"};
  if (quota.recipients + envelope.recipients.size() > settings.recipients_a_day)
    return Refusal{Refused::quota, std::to_string(settings.recipients_a_day) + " recipients"};
  ++quota.messages;
  quota.recipients += envelope.recipients.size();
  return std::nullopt;
}

void World::refuse(const Login& login, const Envelope& envelope, const Refusal& refusal, std::string_view message) {
  const RefusalRow& row = row_of(refusal.why);
  const auto [private_id, field] = private_id_of(message);
  const bool told = settings.refuse_by_message && login.account != nullptr;
  JsonLine line;
  line.add("account", login.account == nullptr ? "" : login.account->name).add("reason", row.word).add("detail", refusal.detail);
  line.add("private_id", private_id).add("recipients", texts_of(envelope.recipients));
  line.add("answer", told ? std::string("250") : std::to_string(row.code));
  m_journal.write("refused", line);
  if (!told || !envelope.reverse_path || !login.account->has(*envelope.reverse_path)) return;
  NotificationOrder order;
  order.why = row.notification;
  order.issuer = login.account->side;
  order.private_id = private_id;
  order.private_id_field = field;
  order.subject = "Nachricht nicht versandt";
  order.text = "Ihre Nachricht wurde nicht versandt und der Entwurf gelöscht: " + std::string(row.text) + " " + refusal.detail;
  order.to = {*envelope.reverse_path};
  order.now = now();
  auto issued = issue_notification(settings.issue, order);
  if (!issued) return;
  write_issued(*issued, "", Fate::good, {});
  send(*issued);
  if (on_change) on_change();
}

void World::write_refused(const Login& login, const std::vector<mail::Address>& recipients, const Refusal& refusal) {
  JsonLine line;
  line.add("account", login.account == nullptr ? "" : login.account->name).add("reason", row_of(refusal.why).word);
  line.add("detail", refusal.detail).add("private_id", "").add("recipients", texts_of(recipients));
  m_journal.write("refused", line.add("answer", std::to_string(row_of(refusal.why).code)));
}

void World::dispatch(std::shared_ptr<const Letter> letter) {
  JsonLine line;
  line.add("id", letter->id).add("provider", name_of(letter->side)).add("private_id", letter->private_id);
  line.add("recipients", texts_of(letter->recipients)).add("blind", letter->is_blind).add("options", names_of(letter->options));
  line.add("integrity", letter->integrity);
  m_journal.write("letter", line);
  if (letter->options.dispatch) {
    ConfirmationOrder order;
    order.type = MessageType::dispatch;
    order.issuer = letter->side;
    order.letter = letter.get();
    order.received_header = letter->header;
    order.recipients = letter->recipients;
    confirm(std::move(order));
  }
  for (const mail::Address& recipient : letter->recipients) deliver(letter, recipient);
}

void World::deliver(const std::shared_ptr<const Letter>& letter, const mail::Address& recipient) {
  const Side side = directory.side_of(recipient, letter->side);
  const Account* account = directory.find_address(recipient);
  const std::string who = "\nEmpfänger: " + recipient.text();
  if (account == nullptr)
    return notify(NotificationType::unknown_recipient, side, *letter,
                  "Der Empfänger der Nachricht ist nicht bekannt. Sie wurde gelöscht." + who);
  if (account->is_closed)
    return notify(NotificationType::closed_account, side, *letter,
                  "Das Konto des Empfängers ist gesperrt. Die Nachricht wurde gelöscht." + who);
  const bool infected = draw(settings.misbehaviour.seed, "malware", m_next_malware++) % 100 < settings.misbehaviour.malware;
  if (letter->has_malware || infected) return report_malware(*letter, recipient, side);
  if (letter->options.personal && !account->can_high)
    return notify(NotificationType::other, side, *letter,
                  "Der Empfänger kann sich nicht sicher anmelden und die Nachricht daher nicht lesen. Sie wurde gelöscht." + who);
  Stored stored;
  stored.id = letter->id;
  const std::string header = with_envelope_to(letter->header, recipient);
  stored.bytes = header + "\r\n" + letter->body;
  stored.arrived = now();
  stored.is_personal = letter->options.personal;
  stored.is_kept = letter->options.receipt || letter->options.retrieve;
  store(*account, std::move(stored), letter->sender, recipient);
  if (letter->options.retrieve) m_arrivals[account->name].push_back({letter, recipient, header, now()});
  if (!letter->options.receipt) return;
  ConfirmationOrder order;
  order.type = MessageType::receipt;
  order.issuer = side;
  order.letter = letter.get();
  order.received_header = header;
  order.recipients = {recipient};
  confirm(std::move(order));
}

void World::report_malware(const Letter& letter, const mail::Address& recipient, Side issuer) {
  if (letter.options.dispatch || letter.options.receipt || letter.options.retrieve) {
    ConfirmationOrder order;
    order.type = MessageType::malware_acknowledge;
    order.issuer = issuer;
    order.letter = &letter;
    order.received_header = with_envelope_to(letter.header, recipient);
    order.recipients = {recipient};
    return confirm(std::move(order));
  }
  NotificationOrder order;
  order.type = MessageType::malware_notification;
  order.issuer = issuer;
  order.private_id = letter.private_id;
  order.private_id_field = letter.private_id_field;
  order.subject = letter.subject;
  order.text = "In der Nachricht wurde Schadsoftware gefunden. Sie wurde gelöscht.\nNachrichten-ID: " + letter.id +
               "\nEmpfänger: " + recipient.text();
  order.to = {letter.answer_to, recipient};
  order.now = now();
  auto issued = issue_notification(settings.issue, order);
  if (!issued) return;
  write_issued(*issued, letter.id, Fate::good, {recipient});
  send(*issued);
}

void World::notify(NotificationType why, Side issuer, const Letter& letter, std::string text) {
  NotificationOrder order;
  order.why = why;
  order.issuer = issuer;
  order.private_id = letter.private_id;
  order.private_id_field = letter.private_id_field;
  order.subject = letter.subject;
  order.text = std::move(text) + "\nNachrichten-ID: " + letter.id;
  order.to = {letter.answer_to};
  order.now = now();
  auto issued = issue_notification(settings.issue, order);
  if (!issued) return;
  // there is no signature to forge: it comes, comes late, comes twice or does not come
  Fate fate = draw_fate(settings.misbehaviour, m_next_fate++);
  if (is_forged(fate) || fate == Fate::spoofed) fate = Fate::good;
  write_issued(*issued, letter.id, fate, letter.recipients);
  send_by_fate(fate, {*std::move(issued)});
}

void World::confirm(ConfirmationOrder order) {
  const Fate fate = draw_fate(settings.misbehaviour, m_next_fate++);
  order.now = now();
  std::vector<Issued> all;
  // a spoofed one goes in front of the good one
  for (const Fate each : fate == Fate::spoofed ? std::vector{Fate::spoofed, Fate::good} : std::vector{fate}) {
    order.fate = each;
    auto issued = issue_confirmation(settings.issue, order);
    if (!issued) {
      m_journal.write("error", JsonLine().add("error", issued.error().describe()));
      continue;
    }
    write_issued(*issued, order.letter->id, each, order.recipients);
    all.push_back(*std::move(issued));
  }
  send_by_fate(fate, std::move(all));
}

void World::write_issued(const Issued& issued, std::string_view about, Fate fate, const std::vector<mail::Address>& recipients) {
  JsonLine line;
  line.add("id", issued.id).add("provider", name_of(issued.side)).add("type", word_of(issued.type)).add("about", about);
  line.add("private_id", issued.private_id)
      .add("to", texts_of(issued.to))
      .add("recipients", texts_of(recipients))
      .add("fate", name_of(fate));
  m_journal.write("issued", line);
}

void World::send_by_fate(Fate fate, std::vector<Issued> issued) {
  if (fate == Fate::lost) return;
  for (Issued& one : issued) {
    if (fate == Fate::late) {
      m_waiting.push_back({std::move(one), now() + settings.misbehaviour.delay});
      continue;
    }
    if (fate == Fate::doubled) hold(one);
    hold(std::move(one));
  }
}

void World::hold(Issued issued) {
  if (settings.misbehaviour.shuffle == 0) return send(issued);
  m_held.push_back(std::move(issued));
  if (m_held.size() >= settings.misbehaviour.shuffle) flush();
}

std::size_t World::flush() {
  for (Waiting& w : m_waiting) m_held.push_back(std::move(w.issued));
  m_waiting.clear();
  std::vector<Issued> all = std::move(m_held);
  m_held.clear();
  for (std::size_t i = all.size(); i > 1; --i)
    std::swap(all[i - 1], all[draw(settings.misbehaviour.seed, "shuffle", m_next_shuffle++) % i]);
  for (const Issued& issued : all) send(issued);
  if (on_change) on_change();
  return all.size();
}

std::optional<base::Timestamp> World::run() {
  std::optional<base::Timestamp> next;
  for (std::size_t left = m_waiting.size(); left > 0; --left) {
    Waiting w = std::move(m_waiting.front());
    m_waiting.pop_front();
    if (w.due <= now()) {
      hold(std::move(w.issued));
      continue;
    }
    next = next ? std::min(*next, w.due) : w.due;
    m_waiting.push_back(std::move(w));
  }
  return next;
}

void World::send(const Issued& issued) {
  for (const mail::Address& to : issued.to) {
    const Account* account = directory.find_address(to);
    if (account == nullptr || account->is_closed) {
      // what a system address sends and nobody takes is deleted without a word
      m_journal.write("dropped", JsonLine().add("id", issued.id).add("to", to.text()));
      continue;
    }
    Stored stored;
    stored.id = issued.id;
    stored.bytes = with_envelope_to(issued.header, to) + "\r\n" + issued.body;
    stored.arrived = now();
    stored.is_personal = issued.is_personal;
    store(*account, std::move(stored), issued.from, to);
  }
}

void World::store(const Account& account, Stored stored, const mail::Address& from, const mail::Address& to) {
  JsonLine line;
  line.add("id", stored.id).add("account", account.name).add("to", to.text());
  if (account.is_pushed && has_push_target) {
    m_journal.write("queued", line);
    Push push;
    push.number = m_next_push++;
    push.account = account.name;
    push.id = stored.id;
    push.bytes = std::move(stored.bytes);
    push.from = from;
    push.to = to;
    m_pushes.push_back(std::move(push));
    return;
  }
  const std::uint32_t uid = m_mailboxes[account.name].add(std::move(stored));
  m_journal.write("stored", line.add("uid", static_cast<std::int64_t>(uid)));
}

std::size_t World::log_in(const Account& account, AuthLevel level) {
  m_journal.write("login", JsonLine().add("account", account.name).add("level", word_of(level)));
  if (level != AuthLevel::high) return 0;
  const std::vector<Arrival> arrivals = std::exchange(m_arrivals[account.name], {});
  for (const Arrival& arrival : arrivals) {
    ConfirmationOrder order;
    order.type = MessageType::retrieve;
    order.issuer = account.side;
    order.letter = arrival.letter.get();
    order.received_header = arrival.received_header;
    order.recipients = {arrival.recipient};
    order.delivered = arrival.at;
    confirm(std::move(order));
  }
  if (!arrivals.empty() && on_change) on_change();
  return arrivals.size();
}

std::optional<Push> World::next_push() {
  for (auto it = m_pushes.begin(); it != m_pushes.end(); ++it) {
    if (it->not_before > now()) continue;
    Push out = std::move(*it);
    m_pushes.erase(it);
    ++m_under_way;
    ++out.attempts;
    return out;
  }
  return std::nullopt;
}

void World::push_done(const Push& push, const std::string& reply) {
  --m_under_way;
  m_journal.write("pushed", JsonLine()
                                .add("id", push.id)
                                .add("to", push.to.text())
                                .add("attempts", static_cast<std::int64_t>(push.attempts))
                                .add("reply", reply));
}

void World::push_refused(const Push& push, const std::string& reply) {
  --m_under_way;
  m_journal.write("push_refused", JsonLine().add("id", push.id).add("to", push.to.text()).add("reply", reply));
  Stored stored;
  stored.id = push.id;
  stored.bytes = push.bytes;
  stored.arrived = now();
  m_mailboxes[push.account].add(std::move(stored));
}

void World::push_failed(Push push, const std::string& why, std::chrono::milliseconds again) {
  --m_under_way;
  m_journal.write("push_failed", JsonLine()
                                     .add("id", push.id)
                                     .add("to", push.to.text())
                                     .add("attempts", static_cast<std::int64_t>(push.attempts))
                                     .add("why", why));
  push.not_before = now() + again;
  // behind what came later: one message that is not taken does not hold up the others
  m_pushes.push_back(std::move(push));
}

}  // namespace simulator
