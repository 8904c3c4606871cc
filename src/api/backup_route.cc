// The route that streams a backup. Kelpie's own: Letta's API has none.
#include <memory>
#include <utility>

#include "api/respond.h"
#include "api/routes.h"
#include "base/check.h"
#include "world/log.h"

namespace kelpie::api {
namespace {

// One backup on its way. The server writes to no path that a caller names: the caller gets bytes,
// and keeps them.
class BackupBody final : public net::BodySource {
 public:
  BackupBody(world::Log& log, std::unique_ptr<store::BackupStream> stream,
             std::shared_ptr<const void> running)
      : log_(log), stream_(std::move(stream)), running_(std::move(running)) {
    CHECK(stream_ != nullptr);
    log_.info("a backup begins");
  }
  ~BackupBody() override {
    if (!whole_) {
      log_.warn("a backup was not taken to its end", {{"rows", stream_->sum().rows}});
    }
  }

  Task<std::optional<std::string>> next() override {
    auto piece = co_await stream_->next().result();
    if (!piece.ok()) {
      log_.error("a backup failed", {{"error", piece.error().to_string()}});
      co_return std::move(piece).error();
    }
    if (!piece->has_value()) {
      whole_ = true;
      log_.info("a backup was sent",
                {{"rows", stream_->sum().rows}, {"bytes", stream_->sum().bytes}});
    }
    co_return std::move(*piece);
  }

 private:
  world::Log& log_;
  std::unique_ptr<store::BackupStream> stream_;
  std::shared_ptr<const void> running_;
  bool whole_ = false;
};

}  // namespace

Task<net::Response> Routes::backup(Call) {
  if (!open_backup_) {
    co_return detail_response(501, "this server's store has backups of its own: see the guide");
  }
  // Each keeps an old state of the whole store alive.
  if (!backup_running_.expired()) {
    co_return base::resource_exhausted("a backup is being taken; wait until it has ended");
  }
  const auto running = std::make_shared<char>();
  backup_running_ = running;
  net::Response response;
  response.headers.emplace_back("content-type", "application/octet-stream");
  response.stream = std::make_unique<BackupBody>(world_.log, open_backup_(), running);
  co_return std::move(response);
}

}  // namespace kelpie::api
