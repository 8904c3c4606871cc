// The store as a sorted map and a list of what each commit wrote: the model that the differential
// test holds every engine to. Slow and plain on purpose; it shares no code with the engines but the
// definition of the atomic operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "store/types.h"

namespace kelpie::store {

struct ModelWrite {
  enum class Kind : uint8_t { kSet, kClear, kClearRange, kAtomic, kStampedKey, kStampedValue };
  Kind kind = Kind::kSet;
  Bytes key;
  Bytes value;  // the range's end for kClearRange
  AtomicOp op = AtomicOp::kAdd;
  size_t offset = 0;  // of the stamp
};

class Model {
 public:
  using Map = std::map<Bytes, Bytes>;
  // What a commit wrote. Not certain: nobody could tell whether it happened, and it changed nothing
  // that could be seen.
  struct Commit {
    std::vector<KeyRange> writes;
    bool certain = true;
  };
  struct Past {
    Version version;
    Map state;
    size_t commits;
  };
  static constexpr size_t kPastsMax = 8;

  [[nodiscard]] const Map& state() const { return state_; }
  [[nodiscard]] const std::vector<Commit>& commits() const { return commits_; }
  // The newest states whose versions are known, oldest first.
  [[nodiscard]] const std::deque<Past>& pasts() const { return pasts_; }
  void commit(Map after, Commit commit, std::optional<Version> version);
  // A restart: the versions of before may not be asked for.
  void forget_pasts() { pasts_.clear(); }

 private:
  Map state_;
  std::vector<Commit> commits_;
  std::deque<Past> pasts_;
};

class ModelTransaction {
 public:
  ModelTransaction(Model& model, ReadYourWrites read_your_writes)
      : model_(model), own_(read_your_writes == ReadYourWrites::kOn) {}

  // Reads at a past state, before anything else.
  void read_at(const Model::Past& past);
  // Reads see the present state from here on, unless they see a past one.
  void take_read_version() { (void)view(); }
  void write(ModelWrite write);
  void add_read_conflict(KeyRange range);
  void add_write_conflict(KeyRange range);
  // False once a versionstamp was written: what is read then only the commit decides.
  [[nodiscard]] bool readable() const { return !stamped_; }

  std::optional<Bytes> get(const Bytes& key, Isolation isolation);
  Bytes get_key(const KeySelector& selector, Isolation isolation);
  // All rows in the order of reading.
  std::vector<KeyValue> rows(const KeyRange& range, Order order);
  // The transaction depends on this much of what it was shown.
  void note_range_read(const KeyRange& covered, Isolation isolation);

  enum class Verdict : uint8_t { kNothing, kCommits, kMayConflict, kConflicts };
  [[nodiscard]] Verdict verdict() const;
  // The state after it, and what it wrote, if its stamp is this one.
  [[nodiscard]] std::pair<Model::Map, std::vector<KeyRange>> outcome(const Bytes& stamp) const;

 private:
  const Model::Map& view();
  void depend_on(KeyRange range);

  Model& model_;
  bool own_;
  bool stamped_ = false;
  bool wrote_ = false;
  std::optional<Model::Map> base_;  // at the read version
  std::optional<Model::Map> view_;  // with its own writes
  size_t read_after_ = 0;           // so many commits are seen
  std::vector<ModelWrite> writes_;
  std::vector<KeyRange> known_;
  std::vector<KeyRange> reads_;
  std::vector<KeyRange> write_conflicts_;
};

}  // namespace kelpie::store
