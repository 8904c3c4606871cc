// One of the processes that contend for the same counters, or the reader that comes last.
//
//   fdb_contend NODE CLUSTER LOG SECONDS ACTORS IN_FLIGHT IDLE_MS GIVE_AWAY
//   fdb_contend NODE CLUSTER LOG 0 ACTORS    reads every counter once, until each has answered
//
// Of 100 times that a worker turns to an actor it gives it away GIVE_AWAY times, instead of calling
// it. KELPIE_FDB_LIBRARY names the client library if it is not the system's.
#include <kelpie/kelpie.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "actor/runtime.h"
#include "async/event.h"
#include "cluster/owner_record.h"
#include "log.h"
#include "world/rng.h"

namespace kelpie::contend {
namespace {

constexpr Duration kDeadline = Duration::seconds(5);
// A session tries again by itself, also where another node has the actor.
constexpr Duration kSessionDeadline = Duration::seconds(1);
constexpr int kAttemptsMax = 5;

int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

struct CounterState {
  int64_t value = 0;
};
KELPIE_FIELDS(CounterState, value)

struct Answer {
  int64_t value = 0;
  std::string generation;
};
KELPIE_FIELDS(Answer, value, generation)

class Counter : public Actor<CounterState> {
 public:
  static constexpr std::string_view kType = "contended";

  Task<Answer> add(Context& ctx) {
    state(ctx).value += 1;
    co_return Answer{.value = state(ctx).value, .generation = base::to_hex(ctx.generation())};
  }
  Result<Answer> get(const CounterState& state) const { return Answer{.value = state.value}; }

  static void methods(Methods<Counter>& m) {
    m.turn<&Counter::add>("add");
    m.read_only<&Counter::get>("get");
  }
};

struct Settings {
  std::string node;
  std::string cluster;
  std::string log;
  int64_t seconds = 0;
  uint64_t actors = 0;
  int in_flight = 1;
  int64_t idle_ms = 60'000;
  uint64_t give_away = 0;
};

class Process {
 public:
  Process(Node& node, const Settings& settings, std::FILE* log)
      : node_(node),
        settings_(settings),
        log_(log),
        rng_(node.runtime().world().rng.fork("contend")),
        done_(node.runtime().world().loop) {
    write(node_line(settings_.node));
    note_epoch();
  }

  Task<void> contend() {
    until_ns_ = now_ns() + settings_.seconds * 1'000'000'000;
    for (running_ = 0; running_ < settings_.in_flight; ++running_) {
      node_.spawn(work(running_));
    }
    co_await done_.wait();
    write(end_line(calls_));
    co_return kOk;
  }

  Task<void> read_all() {
    for (uint64_t number = 0; number < settings_.actors; ++number) {
      for (int attempt = 1; attempt <= kAttemptsMax; ++attempt) {
        if (co_await read(actor_name(number))) {
          break;
        }
      }
    }
    write(end_line(calls_));
    co_return kOk;
  }

 private:
  static std::string actor_name(uint64_t number) { return "counter-" + std::to_string(number); }

  Task<void> work(int worker) {
    Session session(node_);
    for (uint64_t serial = 1; now_ns() < until_ns_; ++serial) {
      const std::string actor = actor_name(rng_.below(settings_.actors));
      const std::string name =
          settings_.node + "/" + std::to_string(worker) + "/" + std::to_string(serial);
      const uint64_t choice = rng_.below(100);
      if (rng_.below(100) < settings_.give_away) {
        static_cast<void>(co_await node_.runtime().deactivate(node_.actor<Counter>(actor).ref()));
      } else if (choice < 50) {
        static_cast<void>(co_await read(actor));
      } else if (choice < 60) {
        co_await add_in_session(session, actor, "session/" + name);
      } else if (choice < 75) {
        co_await add_shared(actor);
      } else {
        co_await add(actor, name);
      }
    }
    if (--running_ == 0) {
      done_.set();
    }
    co_return kOk;
  }

  Task<bool> read(std::string actor) {
    Call call{.called_ns = now_ns(), .actor = actor, .kind = Kind::kRead};
    const Handle<Counter> counter = node_.actor<Counter>(actor).with({.deadline = kDeadline});
    co_return record(std::move(call), co_await counter.call<&Counter::get>().result());
  }

  Task<void> add_in_session(Session& session, std::string actor, std::string name) {
    Call call{.called_ns = now_ns(), .actor = actor, .kind = Kind::kSession, .key = name};
    const Handle<Counter> counter =
        session.actor<Counter>(actor).with({.deadline = kSessionDeadline});
    record(std::move(call), co_await counter.call<&Counter::add>().result());
    co_return kOk;
  }

  // The next of the keys that both processes use for this actor: whoever comes second hears what
  // the first was told.
  Task<void> add_shared(std::string actor) {
    const uint64_t serial = shared_[actor];
    if (co_await add(actor, "shared/" + std::to_string(serial))) {
      shared_[actor] = serial + 1;
    }
    co_return kOk;
  }

  // As long as nobody can say whether it happened it is asked again.
  Task<bool> add(std::string actor, std::string key) {
    for (int attempt = 1;; ++attempt) {
      Call call{.called_ns = now_ns(), .actor = actor, .kind = Kind::kAdd, .key = key};
      const Handle<Counter> counter =
          node_.actor<Counter>(actor).with({.deadline = kDeadline, .idempotency_key = key});
      auto answer = co_await counter.call<&Counter::add>().result();
      const bool undecided = !answer.ok() && answer.error().code == Code::kUnknown;
      const bool added = record(std::move(call), std::move(answer));
      if (!undecided || attempt == kAttemptsMax) {
        co_return added;
      }
    }
  }

  // Whether it was answered.
  bool record(Call call, Result<Answer> answer) {
    call.returned_ns = now_ns();
    note_epoch();
    ++calls_;
    if (answer.ok()) {
      call.outcome = "ok";
      call.value = answer->value;
      call.generation = std::move(answer->generation);
    } else if (auto owner = cluster::owner_elsewhere(answer.error())) {
      call.outcome = "elsewhere";
      call.owner = std::move(owner->node);
    } else {
      call.outcome = std::string(base::code_name(answer.error().code));
    }
    write(call_line(call));
    return call.outcome == "ok";
  }

  void note_epoch() {
    std::string epoch = base::to_hex(node_.runtime().ownership().fence().epoch().get());
    if (epoch != epoch_) {
      epoch_ = std::move(epoch);
      write(epoch_line({.at_ns = now_ns(), .epoch = epoch_}));
    }
  }

  void write(const std::string& line) { std::fputs(line.c_str(), log_); }

  Node& node_;
  const Settings& settings_;
  std::FILE* const log_;
  world::Rng rng_;
  async::Event done_;
  int64_t until_ns_ = 0;
  int running_ = 0;
  uint64_t calls_ = 0;
  std::string epoch_;
  std::map<std::string, uint64_t> shared_;
};

Task<void> app(Node& node, const Settings& settings, std::FILE* log) {
  Process process(node, settings, log);
  co_await (settings.seconds == 0 ? process.read_all() : process.contend());
  co_return kOk;
}

int contend(const Settings& settings, std::string library) {
  std::FILE* log = std::fopen(settings.log.c_str(), "w");
  if (log == nullptr) {
    std::fprintf(stderr, "%s cannot be written\n", settings.log.c_str());
    return 1;
  }
  const int code = run<Counter>({.fdb_cluster_file = settings.cluster,
                                 .fdb_library = std::move(library),
                                 .node_name = settings.node,
                                 .idle_timeout = Duration::millis(settings.idle_ms)},
                                [&](Node& node) { return app(node, settings, log); });
  return std::fclose(log) == 0 ? code : 1;
}

}  // namespace
}  // namespace kelpie::contend

int main(int argc, char** argv) {
  if (argc != 6 && argc != 9) {
    std::fprintf(stderr,
                 "usage: %s NODE CLUSTER LOG SECONDS ACTORS [IN_FLIGHT IDLE_MS GIVE_AWAY]\n",
                 argv[0]);
    return 2;
  }
  kelpie::contend::Settings settings{.node = argv[1],
                                     .cluster = argv[2],
                                     .log = argv[3],
                                     .seconds = std::atoll(argv[4]),
                                     .actors = std::strtoull(argv[5], nullptr, 10)};
  if (argc == 9) {
    settings.in_flight = std::atoi(argv[6]);
    settings.idle_ms = std::atoll(argv[7]);
    settings.give_away = std::strtoull(argv[8], nullptr, 10);
  }
  const char* library = std::getenv("KELPIE_FDB_LIBRARY");
  return kelpie::contend::contend(settings, library == nullptr ? "" : library);
}
