// ActorRoutes: the endpoints under `/v1/kelpie/actors`, for operators. Kelpie's own: Letta's API
// has none of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actor/actor.h"
#include "actor/runtime.h"
#include "api/actor_rows.h"
#include "async/run_on.h"
#include "async/task.h"
#include "codec/url.h"
#include "net/http.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::api {

// One Loop. What it refers to outlives it.
class ActorRoutes {
 public:
  struct Call {
    std::vector<std::string> parameters;  // of the path: type, namespace, id, and what follows
    codec::QueryParameters query;
  };
  // Another loop's part in lists.
  struct Peer {
    async::LoopHandle place;
    ActorRoutes& routes;
  };

  // `lives_here` says of which ids the actors are on this loop; calls about others do not come
  // here.
  ActorRoutes(World& world, store::Database& database, actor::Runtime& runtime,
              std::function<bool(std::string_view id)> lives_here);

  // The other loops of the process. Before the first call.
  void set_peers(std::vector<Peer> others) { others_ = std::move(others); }

  Task<net::Response> list(Call call);
  Task<net::Response> show(Call call);
  Task<net::Response> explain(Call call);
  Task<net::Response> pause(Call call) { return set_paused(std::move(call), true); }
  Task<net::Response> resume(Call call) { return set_paused(std::move(call), false); }
  Task<net::Response> deactivate(Call call);
  Task<net::Response> inbox(Call call);
  Task<net::Response> retry(Call call);
  Task<net::Response> drop(Call call);
  Task<net::Response> reminders(Call call);

 private:
  [[nodiscard]] Result<actor::ActorRef> actor_of(const Call& call) const;
  Task<ActorRows> resident(ActorQuery query);
  Task<net::Response> set_paused(Call call, bool paused);
  // A turn that is for operators.
  Task<void> operate(actor::ActorRef actor, actor::TurnBody body);

  World& world_;
  store::Database& database_;
  actor::Runtime& runtime_;
  std::function<bool(std::string_view id)> lives_here_;
  std::vector<Peer> others_;
};

}  // namespace kelpie::api
