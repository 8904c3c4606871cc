// Goal B4: a durable turn of an actor over RocksDB against fdatasync of as many bytes.
//
//   turn_bench --directory DIR [--rounds N] [--samples N]
//
// In each round the three take turns, one after another and never two at once: a write and
// fdatasync, a bare commit of the store, a turn. What a turn adds to the write-ahead log is
// measured first, and so many bytes are what the baseline writes. Prints JSON; times are
// microseconds.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actor/actor.h"
#include "actor/runtime.h"
#include "cluster/ownership.h"
#include "real/real_log.h"
#include "real/real_loop.h"
#include "real/real_world.h"
#include "store/local_database.h"
#include "store/rocksdb/rocksdb_backend.h"

namespace kelpie::bench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kValueBytes = 256;
constexpr int kWarmUps = 200;
constexpr const char* kActorType = "bench";

struct Options {
  std::string directory;
  int rounds = 7;
  int samples = 500;
};

struct Times {
  double p50_us = 0;
  double p99_us = 0;
};

struct Round {
  Times fdatasync;
  Times commit;
  Times turn;
};

Error os_error(std::string_view what) {
  return base::unavailable(std::string(what) + ": " + std::strerror(errno));
}

// A file that is appended to and synced, as a log is.
class SyncedFile {
 public:
  static Result<SyncedFile> create(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) {
      return os_error("open " + path);
    }
    return SyncedFile(descriptor);
  }
  SyncedFile(SyncedFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  SyncedFile& operator=(SyncedFile&&) = delete;
  ~SyncedFile() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }

  Result<void> append(std::string_view bytes) {
    const auto written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written != static_cast<ssize_t>(bytes.size())) {
      return os_error("write");
    }
    return ::fdatasync(descriptor_) == 0 ? Result<void>(kOk) : os_error("fdatasync");
  }

 private:
  explicit SyncedFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// What the write-ahead logs of the store hold, in bytes.
uintmax_t log_bytes(const std::string& directory) {
  uintmax_t bytes = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory, error)) {
    if (entry.path().extension() == ".log") {
      bytes += entry.file_size(error);
    }
  }
  return bytes;
}

class BenchActor final : public actor::Actor {
 public:
  Task<void> activate(store::Transaction&) override { co_return kOk; }

  Task<void> put(actor::Turn& turn, int64_t n) {
    turn.transaction().set("bench/turn/" + std::to_string(n % 1000), std::string(kValueBytes, 't'));
    co_return kOk;
  }
};

Task<void> turn_once(actor::Runtime& runtime, int64_t n) {
  const actor::ActorRef self{.type = kActorType, .ns = "default", .id = "one"};
  co_await runtime.call<BenchActor>(
      self, [n](BenchActor& actor, actor::Turn& turn) { return actor.put(turn, n); });
  co_return kOk;
}

Task<void> commit_once(store::Database& database, int64_t n) {
  auto transaction = database.begin();
  transaction->set("bench/commit/" + std::to_string(n % 1000), std::string(kValueBytes, 'c'));
  co_await transaction->commit();
  co_return kOk;
}

double microseconds_since(std::chrono::steady_clock::time_point start) {
  const std::chrono::duration<double, std::micro> passed = std::chrono::steady_clock::now() - start;
  return passed.count();
}

Times times_of(std::vector<double> samples) {
  std::ranges::sort(samples);
  return {.p50_us = samples[samples.size() / 2], .p99_us = samples[samples.size() * 99 / 100]};
}

// Runs on the loop, so that neither starting nor stopping it is part of what is timed.
Task<Round> run_round(store::Database& database, actor::Runtime& runtime, SyncedFile& file,
                      std::string bytes, int samples) {
  std::vector<double> syncs;
  std::vector<double> commits;
  std::vector<double> turns;
  for (int n = 0; n < samples; ++n) {
    auto start = std::chrono::steady_clock::now();
    if (auto appended = file.append(bytes); !appended.ok()) {
      co_return appended.error();
    }
    syncs.push_back(microseconds_since(start));
    start = std::chrono::steady_clock::now();
    co_await commit_once(database, n);
    commits.push_back(microseconds_since(start));
    start = std::chrono::steady_clock::now();
    co_await turn_once(runtime, n);
    turns.push_back(microseconds_since(start));
  }
  co_return Round{.fdatasync = times_of(std::move(syncs)),
                  .commit = times_of(std::move(commits)),
                  .turn = times_of(std::move(turns))};
}

Task<void> warm_up(actor::Runtime& runtime) {
  for (int n = 0; n < kWarmUps; ++n) {
    co_await turn_once(runtime, n);
  }
  co_return kOk;
}

void print_times(const char* name, const Times& times, const char* end) {
  std::printf("\"%s\": {\"p50_us\": %.2f, \"p99_us\": %.2f}%s", name, times.p50_us, times.p99_us,
              end);
}

void print_json(const Options& options, size_t turn_bytes, const std::vector<Round>& rounds) {
  std::printf("{\"bytes\": %zu, \"value_bytes\": %zu, \"samples\": %d,\n", turn_bytes, kValueBytes,
              options.samples);
  std::printf(" \"compiler\": \"%s\",\n \"rounds\": [\n", __VERSION__);
  for (size_t i = 0; i < rounds.size(); ++i) {
    std::printf("  {");
    print_times("fdatasync", rounds[i].fdatasync, ", ");
    print_times("commit", rounds[i].commit, ", ");
    print_times("turn", rounds[i].turn, i + 1 < rounds.size() ? "},\n" : "}\n");
  }
  std::printf("]}\n");
}

Result<void> run(const Options& options) {
  real::RealLog log(real::LogOptions{.level = world::LogLevel::kWarn});
  real::RealLoop loop;
  real::RealWorld real(loop, log, world::NodeName("bench"));
  const std::string store_directory = options.directory + "/rocksdb";
  auto engine = TRY(store::RocksdbBackend::open(loop, {.directory = store_directory}));
  store::LocalDatabase database(real.world(), *engine);
  cluster::Ownership ownership(real.world(), database, cluster::OwnerRecords::kNone);
  TRY(loop.run(ownership.join()));
  actor::Runtime runtime(real.world(), database, ownership, actor::RuntimeOptions{});
  runtime.register_type(kActorType, [](actor::ActorServices) {
    return std::unique_ptr<actor::Actor>(std::make_unique<BenchActor>());
  });
  TRY(loop.run(warm_up(runtime)));
  const uintmax_t before = log_bytes(store_directory);
  TRY(loop.run(warm_up(runtime)));
  const size_t turn_bytes = static_cast<size_t>(log_bytes(store_directory) - before) / kWarmUps;

  SyncedFile file = TRY(SyncedFile::create(options.directory + "/baseline"));
  std::vector<Round> rounds;
  for (int i = 0; i < options.rounds; ++i) {
    rounds.push_back(TRY(loop.run(
        run_round(database, runtime, file, std::string(turn_bytes, 'b'), options.samples))));
  }
  print_json(options, turn_bytes, rounds);
  return kOk;
}

std::optional<Options> parse(const std::vector<std::string_view>& arguments) {
  Options options;
  for (size_t i = 0; i + 1 < arguments.size(); i += 2) {
    const std::string_view value = arguments[i + 1];
    int* number = arguments[i] == "--rounds"    ? &options.rounds
                  : arguments[i] == "--samples" ? &options.samples
                                                : nullptr;
    if (arguments[i] == "--directory") {
      options.directory = value;
    } else if (number == nullptr ||
               std::from_chars(value.data(), value.data() + value.size(), *number).ec !=
                   std::errc()) {
      return std::nullopt;
    }
  }
  const bool whole = arguments.size() % 2 == 0 && !options.directory.empty();
  return whole && options.rounds > 0 && options.samples > 0 ? std::optional(options) : std::nullopt;
}

}  // namespace
}  // namespace kelpie::bench

int main(int argc, char** argv) {
  const auto options = kelpie::bench::parse({argv + 1, argv + argc});
  if (!options) {
    std::fprintf(stderr, "usage: turn_bench --directory DIR [--rounds N] [--samples N]\n");
    return 2;
  }
  const auto result = kelpie::bench::run(*options);
  if (!result.ok()) {
    std::fprintf(stderr, "turn_bench: %s\n", result.error().message.c_str());
    return 1;
  }
  return 0;
}
