// BatchBuilder: turns accepted transactions, one after the other, into one batch of plain sets and
// clears. Pure and synchronous: the values that atomic operations start from are given to it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "store/backend.h"
#include "store/commit_request.h"
#include "store/types.h"

namespace kelpie::store {

// Values before the batch, for each key of an atomic operation in it.
using BaseValues = std::map<Bytes, std::optional<Bytes>>;

// Writes the versionstamp into the places that wait for it: afterwards each write is a plain set
// (or is gone, if the transaction cleared it later).
void substitute_versionstamps(CommitRequest& request, Version version, uint16_t order);

// What the request writes, for the resolver: its keys, its cleared ranges, its explicit conflicts.
// Versionstamps were substituted before.
ConflictSet write_conflicts_of(const CommitRequest& request);

class BatchBuilder {
 public:
  explicit BatchBuilder(Version version) { batch_.version = version; }
  BatchBuilder(Version version, BaseValues base);

  // Once, and before the first request with an atomic operation: `base` holds every key that an
  // atomic operation of the batch names.
  void start_from(BaseValues base);
  void add(CommitRequest&& request);
  CommitBatch take() && { return std::move(batch_); }

 private:
  void clear_range(KeyRange range);
  void set(Bytes key, std::optional<Bytes> value);
  void note(const Mutation& mutation);
  [[nodiscard]] std::optional<Bytes> value_so_far(const Bytes& key) const;

  BaseValues base_;
  CommitBatch batch_;
  // What the batch has done so far to the keys of `base_`.
  BaseValues overlay_;
};

}  // namespace kelpie::store
