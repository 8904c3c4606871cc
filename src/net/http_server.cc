#include "net/http_server.h"

#include <algorithm>
#include <utility>

#include "async/event.h"
#include "async/select.h"
#include "async/sleep.h"
#include "net/body_budget.h"
#include "net/http_connection.h"
#include "world/log.h"

namespace kelpie::net {
namespace {

// Connections beyond the limit that are told so at a time; those beyond these are just closed.
constexpr size_t kRefusalsMax = 64;
// Between attempts to accept while the system is out of descriptors or memory.
constexpr Duration kAcceptRetryTime = Duration::millis(100);

// Counts its own lifetimes.
class Counted {
 public:
  explicit Counted(size_t& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  size_t& count_;
};

}  // namespace

class HttpServer::Impl {
 public:
  Impl(World& world, Handler& handler, HttpServerOptions options)
      : world_(world),
        handler_(handler),
        options_(options),
        bodies_(std::max(options.buffered_body_bytes_max, options.body_bytes_max)),
        draining_(world.loop),
        scope_(world.loop, [&log = world.log](const Error& error) {
          log.debug("a connection broke", {{"error", error.to_string()}});
        }) {}

  Task<void> serve(world::Listener& listener) {
    while (true) {
      Result<std::unique_ptr<world::ByteStream>> stream = co_await listener.accept().result();
      if (stream.ok()) {
        admit(std::move(stream).value());
        continue;
      }
      if (stream.error().code == Code::kCancelled) {
        co_return kOk;
      }
      world_.log.warn("accepting a connection failed", {{"error", stream.error().to_string()}});
      co_await async::sleep_for(world_.loop, kAcceptRetryTime);
    }
  }

  Task<void> drain(Duration bound) {
    draining_.set();
    const Result<void> drained =
        co_await async::timeout(world_.loop, bound, scope_.drain()).result();
    if (!drained.ok()) {
      world_.log.info("connections were cut at the end of the drain",
                      {{"connections", static_cast<uint64_t>(served_)}});
      scope_.cancel();
    }
    co_return kOk;
  }

  [[nodiscard]] size_t connections() const { return served_; }
  [[nodiscard]] size_t buffered_body_bytes() const { return bodies_.held(); }

 private:
  void admit(std::unique_ptr<world::ByteStream> stream) {
    if (draining_.is_set()) {
      return;
    }
    if (served_ < options_.connections_max) {
      scope_.spawn(converse(std::move(stream)));
    } else if (refused_ < kRefusalsMax) {
      scope_.spawn(refuse(std::move(stream)));
    }
  }

  Task<void> converse(std::unique_ptr<world::ByteStream> stream) {
    const Counted counted(served_);
    HttpConnection connection(context(), std::move(stream));
    co_await connection.run();
    co_return kOk;
  }

  Task<void> refuse(std::unique_ptr<world::ByteStream> stream) {
    const Counted counted(refused_);
    HttpConnection connection(context(), std::move(stream));
    co_await connection.refuse(503, "the server has all the connections it allows");
    co_return kOk;
  }

  HttpConnectionContext context() {
    return HttpConnectionContext{.world = world_,
                                 .handler = handler_,
                                 .options = options_,
                                 .bodies = bodies_,
                                 .draining = draining_};
  }

  World& world_;
  Handler& handler_;
  HttpServerOptions options_;
  size_t served_ = 0;
  size_t refused_ = 0;
  BodyBudget bodies_;
  async::Event draining_;
  // Last, so that the connections are gone before what they use.
  Scope scope_;
};

HttpServer::HttpServer(World& world, Handler& handler, HttpServerOptions options)
    : impl_(std::make_unique<Impl>(world, handler, options)) {}

HttpServer::~HttpServer() = default;

Task<void> HttpServer::serve(world::Listener& listener) { return impl_->serve(listener); }

Task<void> HttpServer::drain(Duration bound) { return impl_->drain(bound); }

size_t HttpServer::connections() const { return impl_->connections(); }

size_t HttpServer::buffered_body_bytes() const { return impl_->buffered_body_bytes(); }

}  // namespace kelpie::net
