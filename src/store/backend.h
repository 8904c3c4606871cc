// Backend: what an embedded engine must do, and no more: keep an ordered map on which one writer
// applies batches, each durable when it is acknowledged, and which readers see at fixed versions.
// Transactions, conflicts and limits are built above it, once, by CommitPipeline and LocalDatabase.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "store/types.h"

namespace kelpie::store {

// Keys from here on belong to the engine (format, version); callers get invalid_argument for them.
inline constexpr ByteView kEngineKeysBegin{"\xff", 1};

// The map as it was at one version. Shared and immutable; an engine keeps what a Snapshot needs
// until the last owner lets go.
class Snapshot {
 public:
  Snapshot() = default;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  virtual ~Snapshot() = default;

  [[nodiscard]] virtual Version version() const = 0;
  // Errors: data_loss when stored bytes fail their check, unavailable when they cannot be read.
  // The Snapshot outlives the task.
  virtual Task<std::optional<Bytes>> get(Bytes key) const = 0;
  // The same answer, where it is at hand without a task; nothing means to ask `get`.
  [[nodiscard]] virtual std::optional<Result<std::optional<Bytes>>> get_at_once(
      const Bytes& /*key*/) const {
    return std::nullopt;
  }
  // `isolation` is ignored; `more` is true exactly when a further row exists.
  virtual Task<RangePage> range(RangeRead read) const = 0;
};

struct Mutation {
  enum class Kind : uint8_t { kSet, kClear, kClearRange };
  Kind kind = Kind::kSet;
  Bytes key;    // begin of the range for kClearRange
  Bytes value;  // end of the range for kClearRange, empty for kClear
  bool operator==(const Mutation&) const = default;
};

// Applied in order, all or nothing, together with the version.
struct CommitBatch {
  Version version;
  std::vector<Mutation> mutations;
};

// One Loop. At most one `apply` at a time, with growing versions.
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  // `memory`, `rocksdb`.
  [[nodiscard]] virtual std::string_view name() const = 0;

  // The newest acknowledged state. After a restart its version is the recovered one.
  [[nodiscard]] virtual std::shared_ptr<const Snapshot> latest() const = 0;

  // Ends with ok when the batch is durable and `latest` shows it. Errors:
  //   resource_exhausted  certain: nothing of it is there, now or after a restart
  //   unknown             undecided: it may be there after a restart; nothing more may be applied
  // Dropping the task does not take the batch back: it is undecided.
  virtual Task<void> apply(CommitBatch batch) = 0;
};

}  // namespace kelpie::store
