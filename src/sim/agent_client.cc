#include "sim/agent_client.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <utility>

#include "codec/json.h"
#include "sim/server_node.h"
#include "sim/wire_messages.h"

namespace kelpie::sim {
namespace {

constexpr size_t kBodyBytesMax = 64'000'000;
constexpr uint64_t kEscapedPerMillion = 100'000;

// What a status leaves open: overload, errors of the server and time-outs say nothing of what
// happened.
Outcome outcome_of(int status) {
  if (status >= 200 && status < 300) {
    return Outcome::kOk;
  }
  if (status == 404) {
    return Outcome::kAbsent;
  }
  const bool certain = status >= 400 && status < 500 && status != 408 && status != 429;
  return certain ? Outcome::kFailed : Outcome::kUnknown;
}

std::string create_body(std::string_view name, std::string_view model) {
  boost::json::object block;
  block["label"] = "human";
  block["value"] = "Notes:";
  boost::json::object body;
  body["name"] = name;
  body["model"] = model;
  body["memory_blocks"] = boost::json::array{std::move(block)};
  return codec::write_json(body);
}

std::string send_body(std::string_view text) {
  boost::json::object message;
  message["role"] = "user";
  message["content"] = text;
  boost::json::object body;
  body["messages"] = boost::json::array{std::move(message)};
  return codec::write_json(body);
}

}  // namespace

AgentClient::AgentClient(Simulation& simulation, SimHost& host, world::Address server,
                         History& history)
    : simulation_(simulation),
      host_(host),
      base_url_("http://" + server.to_string()),
      history_(history),
      spelling_(simulation.choices().stream("client/spelling")),
      http_(std::make_unique<net::HttpClient>(host.world(), net::HttpClientOptions{})) {}

AgentClient::~AgentClient() = default;

std::string AgentClient::new_text() {
  return fmt::format("message {}/{};", host_.name(), ++texts_);
}

Task<AgentClient::Answer> AgentClient::ask(std::string method, std::string path, std::string body,
                                           Duration patience) {
  net::ClientRequest request;
  request.method = std::move(method);
  request.url = base_url_ + path;
  request.headers = {{"authorization", "Bearer " + std::string(kApiKey)}};
  if (!body.empty()) {
    request.headers.emplace_back("content-type", "application/json");
  }
  request.body = std::move(body);
  request.connect_timeout = Duration::seconds(2);
  request.read_timeout = patience;
  Answer answer;
  Result<net::ClientResponse> response = co_await http_->send(std::move(request)).result();
  if (!response.ok()) {
    answer.body = response.error().to_string();
    co_return std::move(answer);
  }
  answer.status = response->status;
  answer.outcome = outcome_of(response->status);
  Result<std::string> read = co_await net::read_all(*response->body, kBodyBytesMax).result();
  if (read.ok()) {
    answer.body = std::move(read).value();
  } else {
    // The head said it was done; what it said is lost.
    answer.cut = true;
  }
  co_return std::move(answer);
}

// A path means the same however it is spelled: any of its characters may come as an escape.
std::string AgentClient::path_of(const std::string& agent) {
  std::string path = "/v1/agents/";
  if (agent.empty() || !spelling_.chance(kEscapedPerMillion)) {
    return path + agent;
  }
  const size_t at = spelling_.choose(agent.size());
  return path + agent.substr(0, at) + fmt::format("%{:02x}", static_cast<uint8_t>(agent[at])) +
         agent.substr(at + 1);
}

size_t AgentClient::begin(OpKind kind, std::string agent, std::string text) {
  Op op;
  op.client = host_.name();
  op.kind = kind;
  op.agent = std::move(agent);
  op.text = std::move(text);
  op.called_ns = simulation_.now_ns();
  const uint64_t fails = simulation_.ledger().received(Fault::kStorageReadFail);
  history_.push_back(std::move(op));
  read_fails_before_.resize(history_.size());
  read_fails_before_.back() = fails;
  damaged_before_.resize(history_.size());
  damaged_before_.back() = simulation_.ledger().received(Fault::kStorageCorruption);
  simulation_.scheduler().note(
      host_.name(), "op",
      fmt::format("call #{} {}", history_.size() - 1, history_.back().to_string()));
  return history_.size() - 1;
}

void AgentClient::end(size_t place, const Answer& answer) {
  Op& op = history_[place];
  op.returned_ns = simulation_.now_ns();
  op.outcome = answer.outcome;
  op.status = answer.status;
  op.storage_errors =
      simulation_.ledger().received(Fault::kStorageReadFail) > read_fails_before_[place];
  if (op.kind == OpKind::kSend && op.status >= 400) {
    const bool lost = op.status == 500 && answer.cut;
    op.model_error = lost ? std::string(kReasonLost) : read_model_error(answer.body);
  }
  const bool damaged =
      simulation_.ledger().received(Fault::kStorageCorruption) > damaged_before_[place];
  if (op.status == 500 && op.model_error.empty() && !damaged) {
    // Of all faults only damaged data is one: the others are 503.
    simulation_.fail("500", "an internal error: " + op.to_string() + " " + answer.body);
  }
  simulation_.scheduler().note(
      host_.name(), "op",
      fmt::format("answer #{} {}{}{}", place, op.to_string(),
                  op.status >= 300 || op.status == 0 ? " " : "",
                  op.status >= 300 || op.status == 0 ? answer.body.substr(0, 300) : ""));
}

void AgentClient::malformed(size_t place, const std::string& what) {
  simulation_.fail(
      "S17", "a 2xx with a body that is no answer (" + what + "): " + history_[place].to_string());
}

Task<size_t> AgentClient::create(Duration patience, std::string model) {
  const size_t place = begin(OpKind::kCreate, "", "");
  const Answer answer =
      co_await ask("POST", "/v1/agents/",
                   create_body(fmt::format("agent of {}", host_.name()), model), patience);
  end(place, answer);
  if (answer.outcome == Outcome::kOk && !answer.body.empty()) {
    const Result<std::string> id = read_id(answer.body);
    if (id.ok()) {
      history_[place].agent = *id;
      simulation_.scheduler().note(host_.name(), "op", fmt::format("made #{} {}", place, *id));
    } else {
      malformed(place, id.error().message);
    }
  }
  co_return place;
}

Task<size_t> AgentClient::send(std::string agent, std::string text, Duration patience) {
  const size_t place = begin(OpKind::kSend, agent, text);
  const Answer answer =
      co_await ask("POST", path_of(agent) + "/messages", send_body(text), patience);
  end(place, answer);
  if (answer.outcome == Outcome::kOk && !answer.body.empty()) {
    Result<std::vector<SeenMessage>> messages = read_messages(answer.body);
    if (messages.ok()) {
      history_[place].messages = std::move(messages).value();
    } else {
      malformed(place, messages.error().message);
    }
  }
  co_return place;
}

Task<size_t> AgentClient::list(std::string agent, size_t limit, Duration patience) {
  const size_t place = begin(OpKind::kList, agent, "");
  std::vector<SeenMessage> all;
  Answer answer;
  for (;;) {
    std::string path = fmt::format("{}/messages?limit={}&order=asc", path_of(agent), limit);
    if (!all.empty()) {
      path += "&after=" + all.back().id;
    }
    answer = co_await ask("GET", std::move(path), "", patience);
    if (answer.outcome == Outcome::kOk && answer.body.empty()) {
      answer.outcome = Outcome::kUnknown;
    }
    if (answer.outcome != Outcome::kOk) {
      break;
    }
    Result<std::vector<SeenMessage>> page = read_messages(answer.body);
    if (!page.ok()) {
      malformed(place, page.error().message);
      break;
    }
    if (page->empty()) {
      break;
    }
    all.insert(all.end(), page->begin(), page->end());
  }
  end(place, answer);
  history_[place].messages = std::move(all);
  co_return place;
}

Task<size_t> AgentClient::get(std::string agent, Duration patience) {
  const size_t place = begin(OpKind::kGet, agent, "");
  end(place, co_await ask("GET", path_of(agent), "", patience));
  co_return place;
}

Task<size_t> AgentClient::remove(std::string agent, Duration patience) {
  const size_t place = begin(OpKind::kDelete, agent, "");
  end(place, co_await ask("DELETE", path_of(agent), "", patience));
  co_return place;
}

}  // namespace kelpie::sim
