#include "api/loop_router.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/hash.h"
#include "codec/url.h"

namespace kelpie::api {
namespace {

// A stream on another loop, pulled piece by piece.
class CrossingSource final : public net::BodySource {
 public:
  CrossingSource(Loop& here, async::LoopHandle home, std::shared_ptr<net::BodySource> source)
      : here_(here), home_(home), source_(std::move(source)) {}
  ~CrossingSource() override {
    home_.loop.post_from_thread([source = std::move(source_)]() mutable { source.reset(); });
  }
  Task<std::optional<std::string>> next() override {
    return async::run_on<std::optional<std::string>>(here_, home_,
                                                     [source = source_] { return pull(source); });
  }

 private:
  static Task<std::optional<std::string>> pull(std::shared_ptr<net::BodySource> source) {
    co_return co_await source->next();
  }
  Loop& here_;
  async::LoopHandle home_;
  std::shared_ptr<net::BodySource> source_;
};

// On the home loop: answers, and makes the answer fit to cross.
Task<net::Response> answer(net::Handler& handler, net::Request request, Loop& asker,
                           async::LoopHandle home) {
  net::Response response = co_await handler.handle(std::move(request));
  if (response.stream != nullptr) {
    response.stream = std::make_unique<CrossingSource>(
        asker, home, std::shared_ptr<net::BodySource>(std::move(response.stream)));
  }
  co_return std::move(response);
}

// The id of the actor that the path is about, decoded as the routes decode it: the segment after
// `/v1/agents/`, or the third after `/v1/kelpie/actors/`. Empty when there is none.
std::string actor_in(std::string_view path) {
  constexpr std::string_view kAgents = "/v1/agents/";
  constexpr std::string_view kActors = "/v1/kelpie/actors/";
  size_t before = 0;
  if (path.starts_with(kAgents)) {
    path.remove_prefix(kAgents.size());
  } else if (path.starts_with(kActors)) {
    path.remove_prefix(kActors.size());
    before = 2;
  } else {
    return {};
  }
  for (; before > 0; --before) {
    const size_t end = path.find('/');
    if (end == path.npos) {
      return {};
    }
    path.remove_prefix(end + 1);
  }
  return decode_segment(path.substr(0, path.find('/')));
}

}  // namespace

std::string decode_segment(std::string_view segment) {
  auto decoded = codec::percent_decode(segment);
  return decoded.ok() ? std::move(*decoded) : std::string(segment);
}

size_t home_loop(std::string_view id, size_t loops) {
  CHECK(loops > 0);
  return base::hash64(id) % loops;
}

size_t LoopRouter::choose(const net::Request& request) {
  const std::string actor = actor_in(request.path);
  if (!actor.empty()) {
    return home_loop(actor, peers_.size());
  }
  if (request.method == "POST" && request.path.starts_with("/v1/agents")) {
    return next_new_agent_++ % peers_.size();
  }
  return 0;
}

// Every loop brings its own numbers up to date before the first one renders them all.
Task<net::Response> LoopRouter::scrape(net::Request request) {
  LoopPeer& here = peers_.front();
  for (size_t i = 1; i < peers_.size(); ++i) {
    co_await async::run_on<net::Response>(
        here.place.loop, peers_[i].place,
        [&peer = peers_[i], request]() { return peer.handler.handle(request); });
  }
  co_return co_await here.handler.handle(std::move(request));
}

std::optional<net::Response> LoopRouter::admit(const net::RequestHead& head) {
  return peers_.front().handler.admit(head);
}

Task<net::Response> LoopRouter::handle(net::Request request) {
  if (request.path == "/metrics" || request.path == "/metrics/") {
    return scrape(std::move(request));
  }
  LoopPeer& here = peers_.front();
  LoopPeer& home = peers_[choose(request)];
  if (&home == &here) {
    return here.handler.handle(std::move(request));
  }
  return async::run_on<net::Response>(
      here.place.loop, home.place,
      [&home, &asker = here.place.loop, request = std::move(request)]() mutable {
        return answer(home.handler, std::move(request), asker, home.place);
      });
}

net::Response LoopRouter::reject(int status, std::string_view reason) {
  return peers_.front().handler.reject(status, reason);
}

}  // namespace kelpie::api
