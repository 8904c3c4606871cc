// What the history checkers judge: transactions over keys and operations on single objects, as
// clients saw them. Plain values, recorded outside the code under test; no checker looks anywhere
// else. All times are nanoseconds of one clock that every client shares.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "sim/history.h"
#include "store/types.h"

namespace kelpie::sim {

enum class Fate : uint8_t {
  kUnknown,  // no answer, or one that leaves open whether it happened
  kOk,       // it happened
  kFailed,   // it certainly did not happen
};

// --- transactions -----------------------------------------------------------------------------

struct ReadStep {
  Bytes key;
  std::optional<Bytes> seen;  // absent: the key was not there
  store::Isolation isolation = store::Isolation::kSerializable;
};

struct RangeStep {
  store::KeyRange range;
  std::vector<store::KeyValue> rows;  // in the order of reading
  // The reader stopped behind the last row and claims nothing of what follows. False: the rows are
  // all that the range held. `more` without rows is malformed.
  bool more = false;
  store::Order order = store::Order::kForward;
  store::Isolation isolation = store::Isolation::kSerializable;
};

struct SetStep {
  Bytes key;  // of a versionstamped key: as the commit completed it
  Bytes value;
};

struct ClearStep {
  store::KeyRange range;
};

struct AtomicStep {
  store::AtomicOp op = store::AtomicOp::kAdd;
  Bytes key;
  Bytes operand;
};

// Appends one element to the list that is stored under the key (see encode_list), by whatever means
// the client did it. `element` is not empty and holds no comma.
struct AppendStep {
  Bytes key;
  Bytes element;
};

using TransactionStep =
    std::variant<ReadStep, RangeStep, SetStep, ClearStep, AtomicStep, AppendStep>;

// Whether the read version was the newest when the transaction asked for it.
enum class Freshness : uint8_t {
  kNewest,
  kChosen,  // the client named an older version: its reads may lag behind real time
};

// Only for a transaction of unknown fate: whether its unique mark was ever found in the store. A
// checker that is given a commit log does not need it.
enum class Mark : uint8_t { kNotLookedFor, kFound, kNotFound };

struct TransactionRecord {
  std::string id;  // unique in the history; what verdicts call it
  std::string client;
  int64_t called_ns = 0;
  int64_t returned_ns = kNever;
  Fate fate = Fate::kUnknown;
  std::optional<store::Version> read_version;
  std::optional<store::Version> commit_version;  // of transactions that wrote
  std::optional<uint16_t> order;                 // in the batch of commit_version
  std::optional<uint64_t> epoch;                 // the owner's, as it was told to the client
  std::vector<TransactionStep> steps;            // in program order
  store::ReadYourWrites own_writes = store::ReadYourWrites::kOn;
  Freshness freshness = Freshness::kNewest;
  Mark mark = Mark::kNotLookedFor;

  [[nodiscard]] bool writes() const;
  // One line: who, when, what became of it, versions and steps.
  [[nodiscard]] std::string to_string() const;
};

// --- operations on single objects -------------------------------------------------------------

enum class ObjectOpKind : uint8_t { kRead, kWrite, kCompareAndSet, kAppend, kAdd };
enum class Swap : uint8_t { kDone, kRefused };

struct ObjectOp {
  std::string client;
  std::string object;
  ObjectOpKind kind = ObjectOpKind::kRead;
  int64_t called_ns = 0;
  int64_t returned_ns = kNever;
  Fate fate = Fate::kUnknown;
  Bytes argument;                 // what to write, set, append or (decimal) add
  std::optional<Bytes> expected;  // of kCompareAndSet; absent: the object must be absent
  // Of kRead: what was there, absent if nothing. Of the others: what was there after it, if the
  // answer said so.
  std::optional<Bytes> seen;
  Swap swap = Swap::kDone;  // of kCompareAndSet
  std::optional<uint64_t> epoch;

  [[nodiscard]] std::string to_string() const;
};

// --- lists as values --------------------------------------------------------------------------

// Each element followed by a comma: appending to the list is appending to its bytes.
Bytes encode_list(const std::vector<Bytes>& elements);
// Absent if the bytes are not such a list.
std::optional<std::vector<Bytes>> decode_list(ByteView bytes);
[[nodiscard]] bool is_list(ByteView bytes);
[[nodiscard]] bool is_list_element(ByteView element);

// --- verdicts ---------------------------------------------------------------------------------

enum class HistoryVerdict : uint8_t {
  kHolds,
  kViolation,
  kUndecided,  // the budget ran out: never counts as passed
  kMalformed,  // the history contradicts itself; the recorder is wrong, not the code under test
};
std::string_view verdict_name(HistoryVerdict verdict);

struct CheckResult {
  HistoryVerdict verdict = HistoryVerdict::kHolds;
  std::string anomaly;      // a short name; empty if it holds
  std::string explanation;  // for a person; lines are separated by \n
  uint64_t states = 0;      // visited by the search

  [[nodiscard]] std::string to_string() const;
};
CheckResult malformed_history(std::string explanation);

// What makes the records unusable to every checker, if anything: ids that are not unique, a return
// before the call, rows that are not in order or not in their range, and the like.
std::optional<std::string> find_malformed(const std::vector<TransactionRecord>& transactions);
std::optional<std::string> find_malformed(const std::vector<ObjectOp>& operations);

// --- text -------------------------------------------------------------------------------------

// Quoted, with bytes that do not print as \xNN; long ones are cut in the middle.
std::string show_bytes(ByteView bytes);
std::string show_value(const std::optional<Bytes>& value);
// Seconds with nine digits, or "never".
std::string show_time(int64_t at_ns);

}  // namespace kelpie::sim
