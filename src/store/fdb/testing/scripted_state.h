// What ScriptedFdb keeps for each native future and transaction. Test support.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "store/conflict_set.h"
#include "store/fdb/testing/scripted_fdb.h"
#include "store/write_buffer.h"

namespace kelpie::store::testing {

inline constexpr FdbErrorCode kTransactionTooOld = 1007;
inline constexpr FdbErrorCode kFutureVersion = 1009;
inline constexpr FdbErrorCode kTransactionCancelled = 1025;
inline constexpr FdbErrorCode kTooManyWatches = 1032;
inline constexpr FdbErrorCode kAccessedUnreadable = 1036;
inline constexpr FdbErrorCode kOperationCancelled = 1101;
inline constexpr FdbErrorCode kFutureNotSet = 2015;
inline constexpr FdbErrorCode kNoStamp = 2020;
inline constexpr FdbErrorCode kReadOnlyHasNoStamp = 2021;
inline constexpr uint16_t kBatchOrder = 0;
inline const KeyRange kEverything{"", Bytes(kKeysEnd)};

struct ScriptedFdb::Future {
  ScriptedFdb* owner = nullptr;
  std::shared_ptr<Future> self;  // until it is destroyed
  bool ready = false;
  bool destroyed = false;
  bool commit = false;
  FdbErrorCode error = 0;
  FdbCallback callback = nullptr;
  void* context = nullptr;
  // The answer.
  int64_t number = 0;
  std::optional<Bytes> bytes;
  std::vector<KeyValue> rows;
  std::vector<FdbKeyValue> native_rows;
  bool more = false;
};

struct ScriptedFdb::Transaction {
  ScriptedFdb* owner = nullptr;
  bool reads_own_writes = true;
  std::optional<Version> read_version;
  WriteBuffer writes;
  ConflictSet reads;
  ConflictSet write_conflicts;
  std::vector<FuturePtr> stamps;
  std::vector<PendingWatch> watches;
  FuturePtr committing;
  Version committed = kNoVersion;

  void clear_attempt() {
    Transaction fresh;
    fresh.owner = owner;
    *this = std::move(fresh);
  }
};

// The key that a selector names among these rows.
inline Bytes name_key(const std::map<Bytes, Bytes>& rows, const KeySelector& selector) {
  auto at = selector.or_equal == OrEqual::kIncluded ? rows.upper_bound(selector.key)
                                                    : rows.lower_bound(selector.key);
  // `at` is one behind the key that offset 0 names.
  int64_t steps = int64_t{selector.offset} - 1;
  for (; steps > 0 && at != rows.end(); --steps) {
    ++at;
  }
  for (; steps < 0; ++steps) {
    if (at == rows.begin()) {
      return "";
    }
    --at;
  }
  return at == rows.end() ? Bytes(kKeysEnd) : at->first;
}

// What the answer to a selector depends on: all keys between its own and the one it names.
inline KeyRange passed_by(const KeySelector& selector, const Bytes& named) {
  const Bytes start = selector.or_equal == OrEqual::kIncluded ? selector.key + '\0' : selector.key;
  if (selector.offset <= 0) {
    return {named, start};
  }
  return {start, named == kKeysEnd ? named : named + '\0'};
}

}  // namespace kelpie::store::testing
