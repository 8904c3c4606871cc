#include "sim/provider/model_host.h"

#include <fmt/format.h>

#include <charconv>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/scope.h"
#include "async/select.h"
#include "async/sleep.h"
#include "base/check.h"
#include "llm/offline_rules.h"
#include "llm/offline_server.h"
#include "net/http_server.h"
#include "sim/provider/answers.h"

namespace kelpie::sim {
namespace {

// Longer than any client waits.
constexpr Duration kSilence = Duration::hours(1);

// The number of the connection that a request came over; the network gives it as part of the peer's
// name.
uint64_t connection_of(const std::string& peer) {
  uint64_t number = 0;
  const char* const end = peer.data() + peer.size();
  const auto [stop, code] = std::from_chars(peer.data() + peer.rfind('/') + 1, end, number);
  CHECK(code == std::errc() && stop == end);
  return number;
}

}  // namespace

// Gives an answer out piece by piece, and tells the network which of its bytes carry a fault.
class ModelHost::AnswerSource final : public net::BodySource {
 public:
  AnswerSource(ModelHost& model, uint64_t connection, Answer answer)
      : model_(model), connection_(connection), answer_(std::move(answer)) {}

  Task<std::optional<std::string>> next() override {
    SimLoop& loop = model_.host_.loop();
    co_await async::yield(loop);
    if (answer_.pieces.empty()) {
      if (answer_.end == AnswerEnd::kCut) {
        co_return base::unavailable("cut on purpose");
      }
      co_return std::optional<std::string>();
    }
    AnswerPiece piece = std::move(answer_.pieces.front());
    answer_.pieces.pop_front();
    Network& network = model_.simulation_.network();
    if (piece.gap > Duration() && !model_.healed_) {
      network.expect_give_up(connection_, piece.fault);
      co_await async::sleep_for(loop, piece.gap);
      network.expect_give_up(connection_, std::nullopt);
    }
    if (piece.fault && !told_) {
      told_ = true;
      network.mark_next(connection_, *piece.fault);
    }
    co_return std::optional<std::string>(std::move(piece.bytes));
  }

 private:
  ModelHost& model_;
  uint64_t connection_;
  Answer answer_;
  bool told_ = false;
};

class ModelHost::Endpoint final : public net::Handler {
 public:
  Endpoint(ModelHost& model, World& world) : model_(model), lists_(world) {}

  Task<net::Response> handle(net::Request request) override {
    ++model_.requests_;
    const uint64_t connection = connection_of(request.peer);
    const std::optional<Fault> fault = model_.options_.faults.draw(model_.fault_choices_);
    ChoiceStream& shape = model_.shape_choices_;
    if (fault == Fault::kModelTimeout) {
      model_.simulation_.network().expect_give_up(connection, fault);
      co_await async::sleep_for(model_.host_.loop(), kSilence);
      co_return lists_.reject(504, "nobody waits any more");
    }
    if (fault == Fault::kModelRateLimited) {
      co_return respond(connection, rate_limited(shape));
    }
    if (fault == Fault::kModelServerError) {
      co_return respond(connection, server_error(shape));
    }
    if (!request.path.ends_with("/chat/completions")) {
      co_return co_await lists_.handle(std::move(request));
    }
    llm::DecodedRequest decoded = llm::decode_completion_request(request.body);
    if (!decoded.request) {
      model_.simulation_.fail("provider", "a request of the server's came damaged or malformed: " +
                                              decoded.error.message);
      co_return lists_.reject(400, decoded.error.message);
    }
    co_return respond(connection, answer(*decoded.request, fault));
  }
  net::Response reject(int status, std::string_view reason) override {
    // A wire that is slow enough makes a 408 of any request.
    if (status != 408) {
      model_.simulation_.fail("provider",
                              fmt::format("a request of the server's was {}: {}", status, reason));
    }
    return lists_.reject(status, reason);
  }

 private:
  Answer answer(const llm::CompletionRequest& request, std::optional<Fault> fault) {
    ChoiceStream& shape = model_.shape_choices_;
    llm::ChatReply reply = llm::offline_reply(request.chat);
    std::optional<Fault> in_reply;
    model_.said_.insert(reply.content);
    if (fault == Fault::kModelEmptyAnswer) {
      reply.content.clear();
      reply.tool_calls.clear();
      in_reply = fault;
    }
    if (fault == Fault::kModelDuplicateToolCall && !reply.tool_calls.empty()) {
      duplicate_call(reply, shape);
      in_reply = fault;
    }
    Answer answer = good_answer(request, reply);
    if (fault == Fault::kModelStreamCut) {
      cut(answer, shape);
    } else if (fault == Fault::kModelMalformed) {
      garble(answer, shape);
    } else if (fault == Fault::kModelSlow) {
      slow_down(answer, shape);
    } else if (fault == Fault::kModelHugeAnswer) {
      flood(answer, model_.options_.flood_bytes, shape);
    } else if (in_reply) {
      // Without its end it may still be a good answer.
      answer.pieces.back().fault = in_reply;
    }
    return answer;
  }
  net::Response respond(uint64_t connection, Answer answer) {
    net::Response response;
    response.status = answer.status;
    response.headers = std::move(answer.headers);
    response.stream = std::make_unique<AnswerSource>(model_, connection, std::move(answer));
    return response;
  }

  ModelHost& model_;
  llm::OfflineModelHandler lists_;
};

// One incarnation.
struct ModelHost::Parts {
  Parts(ModelHost& model, World& world)
      : host(model.host_),
        endpoint(model, world),
        server(world, endpoint, net::HttpServerOptions{}),
        scope(world.loop, [&model](const Error& error) {
          model.simulation_.fail("scenario", "the provider's host ended: " + error.to_string());
        }) {
    scope.spawn(serve(*this, world, model.options_));
  }
  ~Parts() { scope.cancel(); }
  static Task<void> serve(Parts& self, World& world, const ModelHostOptions& options) {
    self.listener = co_await world.net.listen(options.address);
    if (options.identity != nullptr) {
      self.listener =
          std::make_unique<TlsListener>(world.loop, std::move(self.listener), *options.identity);
    }
    co_await self.server.serve(*self.listener);
    co_return kOk;
  }

  SimHost& host;
  Endpoint endpoint;
  net::HttpServer server;
  std::unique_ptr<world::Listener> listener;
  async::Scope scope;  // last: its tasks use everything above
};

ModelHost::ModelHost(Simulation& simulation, SimHost& host, ModelHostOptions options)
    : simulation_(simulation),
      host_(host),
      options_(std::move(options)),
      fault_choices_(simulation.choices().stream("provider/fault")),
      shape_choices_(simulation.choices().stream("provider/shape")) {
  options_.faults.configure(simulation.ledger());
}

ModelHost::~ModelHost() = default;

void ModelHost::start() {
  CHECK(!up());
  parts_ = std::make_unique<Parts>(*this, host_.boot());
}

void ModelHost::crash() {
  CHECK(up());
  host_.crash();
  parts_.reset();
}

void ModelHost::heal() {
  healed_ = true;
  options_.faults = ModelFaults();
}

}  // namespace kelpie::sim
