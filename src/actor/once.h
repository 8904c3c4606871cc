// Once: how a call that carries a key has at most one effect and one answer.
//
// The record of a key is written in the effect's own commit. A later call under the same key finds
// it in its own turn, after the turns before it, and so neither overtakes nor overlaps the first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "actor/call.h"
#include "async/task.h"
#include "base/result.h"
#include "base/time.h"
#include "store/database.h"

namespace kelpie::actor {

class Turn;

// What the last call under a key did.
struct OnceRecord {
  int64_t sequence = 0;
  uint64_t fingerprint = 0;  // of what was asked
  WallTime when;
  Bytes reply;

  [[nodiscard]] Bytes encode() const;
  // data_loss for anything that `encode` does not write.
  static Result<OnceRecord> decode(ByteView bytes);
  bool operator==(const OnceRecord&) const = default;
};

// Equal for equal method and arguments, on every machine.
uint64_t fingerprint_of(const Invocation& what);

// What to do with a call, given the record of its key. Pure.
enum class OnceVerdict : uint8_t {
  kNew,         // it has not happened: run it
  kRepetition,  // it has: answer as then
  kOtherCall,   // the key was used for something else
  kOvertaken,   // its caller has gone on to another call
};
OnceVerdict judge_once(const std::optional<OnceRecord>& record, const Once& once,
                       uint64_t fingerprint);

// invalid_argument names what is wrong with the key or the number.
Result<void> check_once(const Once& once);

// The records of numbered callers that an activation knows. True as long as its fence holds,
// because nobody else writes them.
class SessionCache {
 public:
  // Null: not known; the store may have one.
  [[nodiscard]] const OnceRecord* find(const std::string& key) const;
  void keep(const std::string& key, OnceRecord record);
  // Where the next sweep of this activation begins; empty: at the first record.
  [[nodiscard]] const Bytes& sweep_from() const { return sweep_from_; }
  void sweep_goes_on(Bytes from) { sweep_from_ = std::move(from); }
  // Counts a call with a key; true with every `every`-th.
  [[nodiscard]] bool sweep_is_due(uint64_t every) { return ++calls_ % every == 0; }

 private:
  // Beyond this all are forgotten, and read again.
  static constexpr size_t kRecordsMax = 64;
  std::map<std::string, OnceRecord> records_;
  Bytes sweep_from_;
  uint64_t calls_ = 0;
};

// In a turn: the answer of the call that carried this key before, or nothing, if this is the first.
// `invalid_argument` if the key was used for something else, `failed_precondition` if its caller
// has gone on since.
Task<std::optional<Bytes>> find_once(Turn& turn, Once once, uint64_t fingerprint);
// In the same turn, after its effect.
Task<void> record_once(Turn& turn, Once once, uint64_t fingerprint, Bytes reply);

// Removes records older than kOnceKeptFor, at most `rows_max` rows of the store looked at; yields
// the key behind the last one it looked at, or nothing when it came to the end.
Task<std::optional<Bytes>> sweep_once(Turn& turn, Bytes from, size_t rows_max);

}  // namespace kelpie::actor
