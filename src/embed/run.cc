#include "kelpie/run.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "async/event.h"
#include "async/select.h"
#include "embed/open.h"
#include "real/process.h"
#include "real/real_log.h"
#include "real/real_loop.h"
#include "real/real_world.h"

namespace kelpie::detail {
namespace {

constexpr int kFailed = 1;
constexpr int kSignalled = 128;  // and the signal's number

// Why a program ends before its app does.
struct Ending {
  explicit Ending(Loop& loop) : decided(loop) {}
  async::Event decided;
  int signal = 0;
  std::string store_failed;
};

Task<void> until(Ending& ending) {
  co_await ending.decided.wait();
  co_return kOk;
}

Task<void> watch_store(embed::Store& store, Ending& ending) {
  ending.store_failed = co_await store.failed();
  ending.decided.set();
  co_return kOk;
}

// The app's own end, unless it is dropped.
Task<void> run_app(Node& node, App app, Ending& ending) {
  co_await node.start();
  auto either = co_await async::select(app(node), until(ending));
  if (!either.first && !ending.store_failed.empty()) {
    co_return base::unavailable("the store has stopped for good: " + ending.store_failed);
  }
  auto ended = either.first ? std::move(*either.first) : Result<void>(kOk);
  if (ending.store_failed.empty()) {
    auto stopped = co_await node.stop().result();
    co_return ended.ok() ? std::move(stopped) : std::move(ended);
  }
  co_return ended;
}

Result<int> run_program(const RunOptions& options, const std::function<void(Node&)>& add_types,
                        App app) {
  TRY(embed::check_options(options));
  real::RealLog log(real::LogOptions{.level = options.verbose_log ? world::LogLevel::kInfo
                                                                  : world::LogLevel::kWarn});
  real::ignore_broken_pipes();
  real::RealLoop loop;
  real::RealWorld real(loop, log, world::NodeName(embed::node_name(options)));
  World& world = real.world();
  const auto store = TRY(embed::open_store(options, world));
  TRY(loop.run(embed::prepare_store(store->database(), world)));
  Node node(world, store->database(),
            {.store = options.fdb_cluster_file.empty() ? NodeSettings::Store::kOwn
                                                       : NodeSettings::Store::kShared,
             .idle_timeout = options.idle_timeout});
  add_types(node);
  Ending ending(loop);
  async::Scope background(loop, nullptr);
  background.spawn(watch_store(*store, ending));
  const real::ShutdownSignals signals(loop, [&ending, &node](int signal) {
    node.ask_to_end();
    if (!node.listens()) {
      ending.signal = signal;
      ending.decided.set();
    }
  });
  TRY(loop.run(run_app(node, std::move(app), ending)));
  return ending.signal == 0 ? 0 : kSignalled + ending.signal;
}

}  // namespace

int run(RunOptions options, std::function<void(Node&)> add_types, App app) {
  const Result<int> code = run_program(options, add_types, std::move(app));
  if (!code.ok()) {
    std::fprintf(stderr, "%s\n", code.error().to_string().c_str());
    return kFailed;
  }
  return *code;
}

}  // namespace kelpie::detail
