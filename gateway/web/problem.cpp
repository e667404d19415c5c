#include "gateway/web/problem.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/web/existence.hpp"

namespace web {
namespace {

using pipeline::Refusal;

constexpr const char* k_retry_after = "60";  // seconds

int status_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::sender_not_yours:
    case Refusal::from_not_yours:
    case Refusal::two_departments:
    case Refusal::client_not_allowed: return 403;
    default: return pipeline::row_of(refusal).code < 500 ? 503 : 422;
  }
}

const char* title_of(int status, const std::string& language) {
  const bool german = language == "de";
  switch (status) {
    case 403: return german ? "Nicht erlaubt" : "Not allowed";
    case 503: return german ? "Vorübergehend nicht möglich" : "Temporarily not possible";
    default: return german ? "Die Nachricht wurde nicht angenommen" : "The message was not accepted";
  }
}

json::object frame(int status, std::string_view word, std::string_view title, std::string_view detail) {
  json::object out;
  out["type"] = "urn:amtsbote:problem:" + std::string(word);
  out["title"] = std::string(title);
  out["status"] = status;
  out["detail"] = std::string(detail);
  return out;
}

Response as_problem(int status, const json::object& object) {
  Response out = make_json(status, object);
  out.type = "application/problem+json";
  if (status == 503) out.fields.emplace_back("Retry-After", k_retry_after);
  if (status == 401) out.fields.emplace_back("WWW-Authenticate", "Bearer");
  return out;
}

std::string text_of_refusal(Refusal refusal, const std::string& who, const std::string& rule, const std::string& language) {
  return language == "de" ? pipeline::german_text(refusal, who, rule) : pipeline::english_text(refusal, who, rule);
}

}  // namespace

std::string language_of(std::string_view accept_language, const std::string& fallback) {
  std::string best = fallback;
  double best_weight = 0;
  while (!accept_language.empty()) {
    std::string item = base::to_lower(accept_language.substr(0, accept_language.find(',')));
    accept_language.remove_prefix(std::min(item.size() + 1, accept_language.size()));
    std::erase_if(item, [](char c) { return c == ' ' || c == '\t'; });
    double weight = 1;
    if (const auto q = item.find(";q="); q != std::string::npos) {
      weight = std::atof(item.substr(q + 3, 5).c_str());
      item.resize(q);
    }
    const std::string word = item.substr(0, item.find('-'));
    if ((word == "de" || word == "en") && weight > best_weight) {
      best = word;
      best_weight = weight;
    }
  }
  return best;
}

Response make_json(int status, const json::object& object) { return {status, "application/json", json::serialize(object) + "\n", {}}; }

Response make_problem(int status, std::string_view word, std::string_view detail) {
  return as_problem(status, frame(status, word, word, detail));
}

Response make_problem(std::vector<JsonFault> faults, const std::string& language) {
  json::array list;
  std::string detail;
  for (const JsonFault& f : faults) {
    detail += (detail.empty() ? "" : "; ") + f.where + " " + f.what;
    list.emplace_back(json::object{{"where", f.where}, {"what", f.what}});
  }
  json::object out = frame(422, "bad_request", title_of(422, language), detail);
  out["faults"] = std::move(list);
  return as_problem(422, out);
}

Response make_problem(const pipeline::Denied& denied, const std::string& language) {
  const int status = status_of(denied.refusal);
  const auto& row = pipeline::row_of(denied.refusal);
  json::object out = frame(status, row.word, title_of(status, language), text_of_refusal(denied.refusal, shown(denied.who, 320), "", language));
  out["smtp"] = std::to_string(row.code) + " " + row.enhanced;
  return as_problem(status, out);
}

json::object denial_as_json(const pipeline::Denied& denied, const std::string& language) {
  const auto& row = pipeline::row_of(denied.refusal);
  return {{"address", denied.who},
          {"decision", policies::name_of(row.code < 500 ? policies::Outcome::later : policies::Outcome::refuse)},
          {"reason", row.word},
          {"detail", text_of_refusal(denied.refusal, shown(denied.who, 320), "", language)}};
}

Response make_problem(const std::vector<pipeline::Denied>& denied, const std::string& language) {
  const pipeline::Denied& first = weightiest(denied);
  const int status = status_of(first.refusal);
  const auto& row = pipeline::row_of(first.refusal);
  json::array list;
  std::string detail;
  for (const pipeline::Denied& d : denied) {
    json::object item = denial_as_json(d, language);
    detail += (detail.empty() ? "" : " ") + std::string(item["detail"].as_string());
    list.emplace_back(std::move(item));
  }
  json::object out = frame(status, row.word, title_of(status, language), detail);
  out["smtp"] = std::to_string(row.code) + " " + row.enhanced;
  out["recipients"] = std::move(list);
  return as_problem(status, out);
}

Response make_problem(const pipeline::NotTaken& refused, const std::vector<pipeline::RecipientRecord>& recipients, const std::string& language) {
  if (refused.denied) return make_problem(*refused.denied, language);
  const int status = refused.reply.code < 500 ? 503 : 422;
  json::array list;
  std::string detail;
  for (const auto& r : recipients) {
    const auto outcome = r.decision.outcome;
    json::object item{{"address", r.address.text()}, {"decision", policies::name_of(outcome)}};
    if (outcome == policies::Outcome::refuse || outcome == policies::Outcome::later) {
      const std::string text = pipeline::decision_lines(r.decision, r.address.text(), language).front();
      item["reason"] = pipeline::row_of(pipeline::refusal_of(r.decision.reason)).word;
      item["rule"] = r.decision.rule;
      item["detail"] = text;
      detail += (detail.empty() ? "" : " ") + text;
    }
    list.emplace_back(std::move(item));
  }
  json::object out = frame(status, refused.word, title_of(status, language), detail);
  out["smtp"] = std::to_string(refused.reply.code) + " " + refused.reply.enhanced;
  out["recipients"] = std::move(list);
  return as_problem(status, out);
}

}  // namespace web
