#include "sim/explore/small_node.h"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <utility>

#include "async/sleep.h"

namespace kelpie::sim {
namespace {

constexpr std::string_view kCountKey = "count";

// Has no state of its own: each turn reads the count.
class Counter final : public actor::Actor {
 public:
  Task<void> activate(store::Transaction&) override { co_return kOk; }
};

Result<int64_t> parse_count(const std::optional<Bytes>& text) {
  int64_t count = 0;
  if (text) {
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), count);
    if (code != std::errc() || end != text->data() + text->size()) {
      return base::data_loss("the count is no number: " + *text);
    }
  }
  return count;
}

Task<int64_t> count_one(CountingRuntime& at, actor::Turn& turn) {
  at.overlapped = at.overlapped || at.running > 0;
  ++at.running;
  co_await async::yield(at.world.loop);
  auto text = co_await turn.transaction().get(Bytes(kCountKey)).result();
  --at.running;
  const int64_t count = co_await parse_count(co_await std::move(text)) + 1;
  turn.transaction().set(Bytes(kCountKey), std::to_string(count));
  co_return count;
}

}  // namespace

SmallNode::SmallNode(SmallRun& run, SharedStore& store, std::string machine, std::string name,
                     cluster::OwnerRecords records)
    : host(run.add_host(std::move(machine))),
      world{host.world().loop,
            host.world().clock,
            host.world().rng,
            host.world().net,
            host.world().log,
            host.world().faults,
            world::NodeName(std::move(name))},
      database(store.view(host)),
      ownership(world, *database, records) {}

CountingRuntime::CountingRuntime(SmallNode& node, actor::RuntimeOptions options)
    : world(node.world), runtime(node.world, *node.database, node.ownership, options) {
  runtime.register_type(kCounted.type,
                        [](actor::ActorServices) { return std::make_unique<Counter>(); });
}

Task<void> Count::call(size_t caller, CountingRuntime& runtime) {
  auto outcome = co_await runtime.runtime
                     .call<Counter>(kCounted,
                                    [&runtime](Counter&, actor::Turn& turn) {
                                      return count_one(runtime, turn);
                                    })
                     .result();
  outcomes_[caller].emplace(std::move(outcome));
  co_return kOk;
}

Task<void> Count::judge(SmallRun& run, store::Database& database) const {
  const std::unique_ptr<store::Transaction> transaction = database.begin();
  const int64_t stored = co_await parse_count(co_await transaction->get(Bytes(kCountKey)));
  const std::string seen = fmt::format("the count is {}, callers were told {}", stored, outcomes());
  std::set<int64_t> told;
  int64_t unknown = 0;
  for (const auto& outcome : outcomes_) {
    if (!outcome->ok()) {
      unknown += outcome->error().code == Code::kUnknown ? 1 : 0;
    } else if (!told.insert(**outcome).second || **outcome > stored) {
      run.fail("S4", seen);
    }
  }
  const auto counted = static_cast<int64_t>(told.size());
  if (counted > stored || stored > counted + unknown) {
    run.fail(counted > stored ? "S3" : "S6", seen);
  }
  co_return kOk;
}

std::string Count::outcomes() const {
  std::string all;
  for (const auto& outcome : outcomes_) {
    all += all.empty() ? "" : ", ";
    all += !outcome        ? "nothing"
           : outcome->ok() ? std::to_string(**outcome)
                           : std::string(base::code_name(outcome->error().code));
  }
  return all;
}

bool Count::replied(size_t caller) const {
  return outcomes_[caller].has_value() && outcomes_[caller]->ok();
}

}  // namespace kelpie::sim
