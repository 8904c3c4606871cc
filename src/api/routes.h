// Routes: every endpoint, in one table. Answers each request; an unknown path is 404, a known path
// with another method 405. A path may end in a slash or not.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/service.h"
#include "api/actor_routes.h"
#include "api/requests.h"
#include "async/task.h"
#include "codec/url.h"
#include "llm/model.h"
#include "net/http.h"
#include "obs/metrics.h"
#include "store/backup_stream.h"
#include "world/rng.h"
#include "world/world.h"

namespace kelpie::api {

// What `GET /v1/health/` calls the API's version: that of the last server of its kind.
inline constexpr std::string_view kApiVersion = "0.16.8";

struct RoutesOptions {
  std::string api_key;  // empty: everyone may call
  std::string kelpie_version;
  // Names beside IP addresses and localhost by which a server without a key may be called; see
  // refusal_without_key.
  std::vector<std::string> allowed_hosts;
};

// One Loop. What it refers to outlives it.
class Routes final : public net::Handler {
 public:
  Routes(World& world, agent::Service& agents, llm::Models& models, obs::Metrics& metrics,
         RoutesOptions options);

  // The one place that decides who may call: 401, or 403 when there is no key. `handle` trusts it.
  std::optional<net::Response> admit(const net::RequestHead& head) override;
  Task<net::Response> handle(net::Request request) override;
  net::Response reject(int status, std::string_view reason) override;

  // Called before `/metrics` is rendered, to bring gauges up to date.
  void on_scrape(std::function<void()> refresh) { refresh_ = std::move(refresh); }
  // Called for `/v1/kelpie/backup`, to begin a backup of the newest state. Without it there is
  // none.
  using OpenBackup = std::function<std::unique_ptr<store::BackupStream>()>;
  void on_backup(OpenBackup open) { open_backup_ = std::move(open); }
  // Called for what is under `/v1/kelpie/actors`; it outlives this. Without it there is none.
  void on_actors(ActorRoutes* actors) { actors_ = actors; }
  // From now on `/v1/ready` answers 503.
  void stop_being_ready() { ready_ = false; }

 private:
  struct Call {
    net::Request request;
    codec::QueryParameters query;
    std::vector<std::string> parameters;  // of the path, decoded, in order
  };
  using Method = Task<net::Response> (Routes::*)(Call);
  struct Route {
    std::string_view method;
    std::string_view pattern;  // `{}` stands for one segment
    Method run;
    bool open = false;  // everyone may call, without a body
  };
  struct Match {
    const Route* route = nullptr;           // nullptr: none for this method
    std::vector<std::string> parameters;    // of the route
    std::vector<std::string_view> methods;  // that the path has, when there is no route
  };
  static const std::vector<Route>& table();
  static Match find_route(std::string_view method, std::string_view path);

  Task<net::Response> health(Call call);
  Task<net::Response> ready(Call call);
  Task<net::Response> metrics(Call call);
  Task<net::Response> backup(Call call);
  template <auto kRoute>
  Task<net::Response> actors(Call call);
  Task<net::Response> list_models(Call call);
  Task<net::Response> list_embedding_models(Call call);
  Task<net::Response> create_agent(Call call);
  Task<net::Response> list_agents(Call call);
  Task<net::Response> get_agent(Call call);
  Task<net::Response> update_agent(Call call);
  Task<net::Response> delete_agent(Call call);
  Task<net::Response> recompile_agent(Call call);
  Task<net::Response> list_blocks(Call call);
  Task<net::Response> get_block(Call call);
  Task<net::Response> update_block(Call call);
  Task<net::Response> list_messages(Call call);
  Task<net::Response> send_message(Call call);
  Task<net::Response> stream_message(Call call);

  Task<net::Response> send(std::string agent_id, SendRequest send);
  Task<net::Response> collect(std::shared_ptr<agent::RunWatch> watch, SendRequest send);
  // The context window of a model that was not given one.
  Task<int64_t> context_window(std::string handle);
  Result<std::string> agent_id(const Call& call) const;

  World& world_;
  agent::Service& agents_;
  llm::Models& models_;
  obs::Metrics& metrics_;
  RoutesOptions options_;
  world::Rng rng_;
  std::function<void()> refresh_;
  OpenBackup open_backup_;
  ActorRoutes* actors_ = nullptr;
  // Held by the backup that is being sent.
  std::weak_ptr<const void> backup_running_;
  bool ready_ = true;
};

}  // namespace kelpie::api
