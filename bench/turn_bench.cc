// Goal B4: a durable turn of an actor over RocksDB against fdatasync of as many bytes.
//
//   turn_bench --directory DIR [--rounds N] [--samples N]
//
// In each round the three take turns, one after another and never two at once: a write and
// fdatasync, a bare commit of the store, a turn. What a turn adds to the write-ahead log is
// measured first, and so many bytes are what the baseline writes.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "actor/actor.h"
#include "actor/runtime.h"
#include "bench/harness.h"
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

// Runs on the loop, so that neither starting nor stopping it is part of what is timed.
Task<void> run_round(store::Database& database, actor::Runtime& runtime, SyncedFile& file,
                     std::string bytes, int samples, Report& report) {
  Samples syncs(samples);
  Samples commits(samples);
  Samples turns(samples);
  for (int n = 0; n < samples; ++n) {
    const Stopwatch sync;
    co_await file.append(bytes);
    syncs.add(sync.microseconds());
    const Stopwatch commit;
    co_await commit_once(database, n);
    commits.add(commit.microseconds());
    const Stopwatch turn;
    co_await turn_once(runtime, n);
    turns.add(turn.microseconds());
  }
  report.add_times("B4.fdatasync", syncs);
  report.add_times("B4.commit", commits);
  report.add_times("B4.turn", turns);
  co_return kOk;
}

Task<void> warm_up(actor::Runtime& runtime) {
  for (int n = 0; n < kWarmUps; ++n) {
    co_await turn_once(runtime, n);
  }
  co_return kOk;
}

Result<void> run(const Flags& flags) {
  const std::string& directory = flags.text("--directory");
  const std::string store_directory = directory + "/rocksdb";
  real::RealLog log(real::LogOptions{.level = world::LogLevel::kWarn});
  real::RealLoop loop;
  real::RealWorld real(loop, log, world::NodeName("bench"));
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

  SyncedFile file = TRY(SyncedFile::create(directory + "/baseline"));
  Report report;
  report.fact("compiler", __VERSION__);
  report.fact("B4.bytes", static_cast<double>(turn_bytes));
  report.fact("B4.value_bytes", static_cast<double>(kValueBytes));
  report.fact("B4.samples", flags.number("--samples"));
  for (int i = 0; i < flags.number("--rounds"); ++i) {
    TRY(loop.run(run_round(database, runtime, file, std::string(turn_bytes, 'b'),
                           flags.number("--samples"), report)));
  }
  report.print();
  return kOk;
}

}  // namespace
}  // namespace kelpie::bench

int main(int argc, char** argv) {
  return kelpie::bench::run_main({argv, static_cast<size_t>(argc)},
                                 {{"--directory", "."}, {"--rounds", "7"}, {"--samples", "500"}},
                                 kelpie::bench::run);
}
