// LoopRouter: sends each request to the loop that its agent lives on.
//
// One loop speaks HTTP and has the store's pipeline; an agent lives on `hash(agent) % loops`, so
// its turns never overlap. Requests about no agent are answered where they arrive; a new agent goes
// to the loops in turn.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/run_on.h"
#include "async/task.h"
#include "net/http.h"

namespace kelpie::api {

// Which of `loops` the actors of this id, an agent or another, live on; the same in every process.
size_t home_loop(std::string_view id, size_t loops);

// A segment of a path as every part of the server reads it: a broken escape stays as it came.
std::string decode_segment(std::string_view segment);

class ActorRoutes;

// A loop's part in the routing: where it is, and who answers there.
struct LoopPeer {
  async::LoopHandle place;
  net::Handler& handler;
  ActorRoutes* actors = nullptr;  // what lists over all loops ask
};

// On the loop of the first peer. The peers outlive it.
class LoopRouter final : public net::Handler {
 public:
  explicit LoopRouter(std::vector<LoopPeer> peers) : peers_(std::move(peers)) {}

  // Before the first request.
  void set_peers(std::vector<LoopPeer> peers) { peers_ = std::move(peers); }

  // Asks the first peer: who is admitted does not depend on the loop.
  std::optional<net::Response> admit(const net::RequestHead& head) override;
  Task<net::Response> handle(net::Request request) override;
  net::Response reject(int status, std::string_view reason) override;

 private:
  size_t choose(const net::Request& request);
  Task<net::Response> scrape(net::Request request);

  std::vector<LoopPeer> peers_;
  size_t next_new_agent_ = 0;
};

}  // namespace kelpie::api
