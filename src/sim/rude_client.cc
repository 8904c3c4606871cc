#include "sim/rude_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "async/select.h"
#include "async/sleep.h"
#include "sim/server_node.h"

namespace kelpie::sim {
namespace {

constexpr Duration kPatience = Duration::seconds(30);
constexpr size_t kAnswerMax = 4'000'000;
constexpr size_t kHeaderBytes = 100'000;

std::string request_line(std::string_view method, const std::string& path) {
  return fmt::format("{} {} HTTP/1.1\r\nhost: node\r\nauthorization: Bearer {}\r\n", method, path,
                     kApiKey);
}

std::string get(const std::string& agent, std::string_view rest) {
  return request_line("GET", "/v1/agents/" + agent + std::string(rest)) +
         "connection: close\r\n\r\n";
}

bool is_answer(const std::string& bytes, char hundreds) {
  return bytes.starts_with("HTTP/1.1 ") && bytes.size() > 9 && bytes[9] == hundreds;
}

std::vector<std::string> no_requests() {
  return {
      "\x16\x03\x01\x02",
      "GET\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "POST /v1/agents/ HTTP/1.1\r\nhost: node\r\ncontent-length: many\r\n\r\n",
      "POST /v1/agents/ HTTP/1.1\r\nhost: node\r\ncontent-length: 3\r\ntransfer-encoding: "
      "chunked\r\n\r\nabc",
      request_line("POST", "/v1/agents/") + "content-length: 5\r\n\r\n{\"a\":",
      request_line("POST", "/v1/agents/") + "transfer-encoding: chunked\r\n\r\nzz\r\n",
      request_line("GET", "/v1/agents/%zz"),
      "GET / HTTP/1.1\r\nhost: node\r\nx: " + std::string(kHeaderBytes, 'x') + "\r\n\r\n",
  };
}

}  // namespace

RudeClient::RudeClient(Simulation& simulation, SimHost& host, world::Address server,
                       History& history)
    : simulation_(simulation),
      host_(host),
      server_(std::move(server)),
      history_(history),
      choices_(simulation.choices().stream("rude")) {
  for (const Fault fault :
       {Fault::kClientMalformed, Fault::kClientSlowSender, Fault::kClientSlowReader,
        Fault::kHalfClose, Fault::kClientDisconnect}) {
    simulation.ledger().configure(fault);
  }
}

void RudeClient::done(Fault fault) {
  simulation_.ledger().receive(fault);
  simulation_.scheduler().note(host_.name(), "fault", fault_name(fault));
}

Task<void> RudeClient::misbehave(std::string agent, std::string text) {
  // A connection that breaks is what such a client must expect.
  static_cast<void>(
      co_await async::timeout(host_.loop(), kPatience, be_rude(std::move(agent), std::move(text)))
          .result());
  co_return kOk;
}

Task<void> RudeClient::be_rude(std::string agent, std::string text) {
  switch (choices_.choose(5)) {
    case 0:
      return malformed();
    case 1:
      return send_slowly(std::move(agent));
    case 2:
      return read_slowly(std::move(agent));
    case 3:
      return close_by_half(std::move(agent));
    default:
      return leave(std::move(agent), std::move(text));
  }
}

Task<RudeClient::Stream> RudeClient::dial() { return host_.world().net.dial(server_); }

Task<std::string> RudeClient::read(world::ByteStream& stream, size_t bytes_max, size_t piece,
                                   Duration pause) {
  std::string all;
  std::string buffer(piece, '\0');
  while (all.size() < bytes_max) {
    const size_t count = co_await stream.read(buffer);
    if (count == 0) {
      break;
    }
    all.append(buffer, 0, count);
    co_await async::sleep_for(host_.loop(), pause);
  }
  // Damaged data is the one thing that makes a 500.
  if (all.starts_with("HTTP/1.1 500") &&
      simulation_.ledger().received(Fault::kStorageCorruption) == 0) {
    simulation_.fail("500", "a rude client was told of an internal error: " + all.substr(0, 300));
  }
  co_return std::move(all);
}

Task<void> RudeClient::malformed() {
  const std::vector<std::string> all = no_requests();
  const Stream stream = co_await dial();
  co_await world::write_all(*stream, all[choices_.choose(all.size())]);
  stream->shutdown_write();
  const std::string answer = co_await read(*stream, kAnswerMax, 4'096, Duration());
  if (is_answer(answer, '4')) {
    done(Fault::kClientMalformed);
  } else if (is_answer(answer, '2')) {
    simulation_.fail("S17", "what is no request was answered with " + answer.substr(0, 200));
  }
  co_return kOk;
}

Task<void> RudeClient::send_slowly(std::string agent) {
  const Stream stream = co_await dial();
  std::string request = get(agent, "");
  while (!request.empty()) {
    const size_t piece = std::min<size_t>(1 + choices_.choose(20), request.size());
    co_await world::write_all(*stream, request.substr(0, piece));
    request.erase(0, piece);
    co_await async::sleep_for(host_.loop(),
                              choices_.between(Duration::micros(1), Duration::millis(200)));
  }
  if (!(co_await read(*stream, kAnswerMax, 4'096, Duration())).empty()) {
    done(Fault::kClientSlowSender);
  }
  co_return kOk;
}

Task<void> RudeClient::read_slowly(std::string agent) {
  const Stream stream = co_await dial();
  co_await world::write_all(*stream, get(agent, "/messages?limit=1000"));
  const std::string answer =
      co_await read(*stream, kAnswerMax, 1 + choices_.choose(300),
                    choices_.between(Duration::micros(1), Duration::millis(20)));
  if (!answer.empty()) {
    done(Fault::kClientSlowReader);
  }
  co_return kOk;
}

// Half closed is not gone: such a client still wants its answer.
Task<void> RudeClient::close_by_half(std::string agent) {
  const Stream stream = co_await dial();
  co_await world::write_all(*stream, get(agent, "/messages?limit=3"));
  stream->shutdown_write();
  const std::string answer = co_await read(*stream, kAnswerMax, 4'096, Duration());
  if (is_answer(answer, '2') || is_answer(answer, '4')) {
    done(Fault::kHalfClose);
  }
  co_return kOk;
}

Task<void> RudeClient::leave(std::string agent, std::string text) {
  const Stream stream = co_await dial();
  const std::string body = fmt::format(
      R"({{"messages":[{{"role":"user","content":"{}"}}],"stream_tokens":true}})", text);
  Op op;
  op.client = host_.name();
  op.kind = OpKind::kSend;
  op.agent = agent;
  op.text = text;
  op.called_ns = simulation_.now_ns();
  // Its outcome stays unknown.
  history_.push_back(std::move(op));
  co_await world::write_all(
      *stream, request_line("POST", "/v1/agents/" + agent + "/messages/stream") +
                   fmt::format("content-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
                               body.size(), body));
  const std::string begun = co_await read(*stream, 1 + choices_.choose(600), 50, Duration());
  if (!begun.empty()) {
    done(Fault::kClientDisconnect);
  }
  co_return kOk;
}

}  // namespace kelpie::sim
